#!/bin/sh
# Make .venv with the newest Python here that is 3.11 or newer. PYTHON=… chooses one.
set -eu
cd "$(dirname "$0")/.."

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
        # Asked, not only looked for: a version manager's shim may stand for a Python that is not there.
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    if [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON is not a Python 3.11 or newer." >&2
    else
        echo "Tillstream needs Python 3.11 or newer, and found: $(python3 --version 2>/dev/null || echo none)." >&2
        echo "Install one (Debian 12: apt-get install python3 python3-venv), or name it: make install PYTHON=/path/to/python3" >&2
    fi
    exit 1
}

make_venv() {
    rm -rf .venv
    "$python" -m venv .venv
}

if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "keeping .venv with $(.venv/bin/python --version)"
    exit 0
fi

python=$(find_python)
echo "using $("$python" --version) ($(command -v "$python"))"
if make_venv >/dev/null 2>&1; then
    exit 0
fi

# Debian keeps `venv` in a package of its own.
package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing $package, which Debian keeps apart from Python"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$package"
    make_venv
    exit 0
fi
rm -rf .venv
echo "This Python cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install $package" >&2
exit 1
