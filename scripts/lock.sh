#!/bin/sh
# Pin every dependency to one version and its hashes, for all platforms at once.
# The files name packages only: where they are fetched from is the business of whoever installs.
set -eu
cd "$(dirname "$0")/.."

compile() {
    output=$1
    shift
    .venv/bin/uv --quiet pip compile pyproject.toml --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
        --output-file "$output" "$@" >/dev/null
    if grep -nE '://|--index|--extra-index|--find-links|^-i ' "$output"; then
        echo "lock: $output names a place to fetch from (see above). It must only name packages." >&2
        exit 1
    fi
    echo "locked $(grep -c '==' "$output") packages in $output"
}

compile requirements/runtime.txt --group build "$@"
# The same versions, and the tools on top.
compile requirements/dev.txt --group build --group dev --constraint requirements/runtime.txt "$@"
