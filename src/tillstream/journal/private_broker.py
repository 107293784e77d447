"""A RabbitMQ node of one's own, for tests and measurements: private, on loopback, killable.

It shares nothing with an installed service: its own name, ports, port mapper, cookie, data and
logs, all in one folder. Runs as any user, root too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Final

_SERVERS: Final = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/rabbitmq/sbin/rabbitmq-server")
_READY: Final = b"Server startup complete"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0

_CONFIGURATION: Final = """\
listeners.tcp.local = 127.0.0.1:{port}
distribution.listener.interface = 127.0.0.1
distribution.listener.port_range.min = {distribution_port}
distribution.listener.port_range.max = {distribution_port}
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
log.console = true
log.console.level = info
log.file = false
"""


# Becomes the node. Before that it starts the port mapper, and a watch over our end of its standard
# input: when that closes, because we closed it or died, the whole session is killed.
_LAUNCHER: Final = """
exec 3<&0
(cat <&3; kill -KILL 0) >/dev/null 2>&1 &
"$2" -port "$ERL_EPMD_PORT" -address 127.0.0.1 >/dev/null 2>&1 </dev/null 3<&- &
exec "$1" </dev/null 3<&-
"""


class BrokerMissing(RuntimeError):
    """RabbitMQ is not installed here."""


class BrokerFailed(RuntimeError):
    """The node did not start; the message ends with its last words."""


def find_server() -> Path | None:
    """The start script that does not insist on a certain user, if RabbitMQ is installed."""
    found = shutil.which("rabbitmq-server")
    candidates = [Path(name) for name in _SERVERS]
    # A package's wrapper in the PATH changes the user; a generic installation has the script itself.
    if found and not Path(found).is_relative_to("/usr/sbin"):
        candidates.append(Path(found))
    return next((path for path in candidates if path.exists()), None)


class PrivateBroker:
    """One node in ``folder``, which keeps its messages between ``kill`` and the next ``start``."""

    def __init__(self, folder: Path) -> None:
        """Choose free ports; nothing runs yet.

        Raises:
            BrokerMissing: RabbitMQ is not installed.
        """
        server = find_server()
        epmd = shutil.which("epmd")
        if server is None or epmd is None:
            message = "RabbitMQ is not installed: on Debian `apt-get install rabbitmq-server`."
            raise BrokerMissing(message)
        self._server = server
        self._epmd = epmd
        self._folder = folder
        self._port, self._distribution_port, self._epmd_port = _free_ports(3)
        self._node: subprocess.Popen[bytes] | None = None
        self._output: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where to connect, the same after every start."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Start the node and return when it accepts connections.

        Raises:
            BrokerFailed: it ended, or was not ready within a minute.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "rabbitmq.conf").write_text(
            _CONFIGURATION.format(port=self._port, distribution_port=self._distribution_port)
        )
        (self._folder / "plugins").write_text("[].\n")
        (self._folder / "environment").touch()
        self._node = subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCHER, "sh", str(self._server), self._epmd],
            env=self._environment(),
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        ready = threading.Event()
        self._output = threading.Thread(target=self._keep_output, args=(self._node, ready))
        self._output.daemon = True
        self._output.start()
        if not ready.wait(_START_SECONDS) or self._node.poll() is not None:
            self.stop()
            message = f"RabbitMQ did not start:\n{self._last_words()}"
            raise BrokerFailed(message)

    def kill(self) -> None:
        """End the node as a power failure would: no goodbye, no flush."""
        self._end()

    def stop(self) -> None:
        """End the node in good order, and everything that was started with it."""
        if self._node is not None:
            self._node.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._node.wait(_STOP_SECONDS)
        self._end()

    def _end(self) -> None:
        node, self._node = self._node, None
        if node is None:
            return
        # The session holds the node, its port programs, its port mapper and the watch: no more.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        if node.stdin is not None:
            node.stdin.close()
        if self._output is not None:
            self._output.join(_STOP_SECONDS)

    def _keep_output(self, node: subprocess.Popen[bytes], ready: threading.Event) -> None:
        output = node.stdout
        if output is None:
            return
        with output, self._log().open("ab") as log:
            for line in output:
                log.write(line)
                log.flush()
                if _READY in line:
                    ready.set()
        ready.set()

    def _log(self) -> Path:
        return self._folder / "output.log"

    def _last_words(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return self._log().read_text(errors="replace")[-2000:]
        return "(it said nothing)"

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tillstream-{self._port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_LOGS": "-",
            # Two cores' worth of threads are plenty, and idle ones shall not spin.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }


def _free_ports(number: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
