#!/bin/sh
# See to the programs that tests use and pip cannot bring: a RabbitMQ to kill, a browser to click in.
# No service is started: the tests run their own.
set -eu

missing=""
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || command -v rabbitmq-server >/dev/null || missing="$missing rabbitmq-server"
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"

if [ -z "$missing" ]; then
    echo "all there"
    exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Not installed:$missing. The tests that need it will be skipped."
    echo "To run them: sudo apt-get install$missing"
    exit 0
fi

# Debian starts a service when it is installed; this file is its documented way of saying no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

echo "installing$missing"
apt-get update -q
# shellcheck disable=SC2086 # words on purpose
DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing
