"""Real servers on loopback, each with a folder of its own: nginx (HTTP) and buildbox-casd (gRPC). Standard library only."""

from __future__ import annotations

import abc
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

_START_SECONDS = 30

_NGINX = """\
daemon off;
# One process: killing it kills the server.
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    log_format calls "$request_method $uri $status";
    access_log {folder}/access.log calls;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    # Blobs have any size.
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""

_FILES = """
        location ~ "^/(ac|cas)/[0-9a-f]{{64}}$" {{
            root {store};
            dav_methods PUT;
            create_full_put_path on;
            {settings}
        }}
"""

# Debian's Bazel 7 speaks version 2.0 of the protocol only, buildbox-casd says 2.1 or later and yet understands it: nginx
# answers this one question for it. The rest goes through, and into nginx's log.
_GRPC = """
        http2 on;
        http2_max_concurrent_streams 1000;
        keepalive_requests 1000000;
        location = /build.bazel.remote.execution.v2.Capabilities/GetCapabilities {{
            root {folder};
            default_type application/grpc;
            add_trailer grpc-status 0;
            # A file can't be posted to; this makes nginx send it nevertheless.
            error_page 405 =200 /capabilities;
        }}
        location = /capabilities {{
            internal;
            root {folder};
            default_type application/grpc;
            add_trailer grpc-status 0;
        }}
        location / {{
            grpc_pass grpc://127.0.0.1:{backend};
            grpc_read_timeout 600s;
            grpc_socket_keepalive on;
            {settings}
        }}
"""

# ServerCapabilities of the protocol (a message of protocol buffers): SHA-256, both caches and execution, version 2.0.
_CAPABILITIES = bytes.fromhex("0a070a0101120208011204080110012202080" "22a020802")


class Server(abc.ABC):
    """A server process; it ends with the `with` block.

    Attributes:
        folder: holds its files.
        store: where it keeps what clients upload.
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.store.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """What `--remote_cache` takes."""

    @abc.abstractmethod
    def _command(self) -> list[str | Path]: ...

    @abc.abstractmethod
    def blob(self, digest: str) -> Path:
        """Returns the file that holds the blob of a SHA-256."""

    def __enter__(self) -> Server:
        with (self.folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Python ignores SIGXFSZ, and so shall the server: see fill_up.
                restore_signals=False,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self._program} did not start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends the server as a crash would."""
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Makes the server accept connections and never answer."""
        self._process.send_signal(signal.SIGSTOP)

    def fill_up(self, size: int) -> None:
        """Makes it fail to write any file beyond a size, as on a full disk."""
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, size))

    def log(self) -> str:
        """Returns what the server printed."""
        return (self.folder / "output.log").read_text(errors="replace")

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


class Nginx(Server):
    """nginx with its WebDAV module: a cache over HTTP.

    Args:
        program: nginx.
        folder: see Server.
        settings: more directives for the files' location.
    """

    def __init__(self, program: Path, folder: Path, settings: str = "") -> None:
        super().__init__(program, folder)
        self._settings = settings

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def blob(self, digest: str) -> Path:
        return self.store / "cas" / digest

    def calls(self) -> list[str]:
        """Returns a line for each request: method, path, status."""
        return (self.folder / "access.log").read_text().splitlines()

    def _command(self) -> list[str | Path]:
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _NGINX.format(
                folder=self.folder, port=self.port, settings=self._settings, store=self.store
            )
        )
        return [self._program, "-e", self.folder / "error.log", "-c", configuration]


class Casd(Server):
    """buildbox-casd: a cache over gRPC, which executes actions too.

    Args:
        program: buildbox-casd; the runner lies beside it.
        folder: see Server.
        options: more options.
    """

    def __init__(self, program: Path, folder: Path, *options: str) -> None:
        super().__init__(program, folder)
        self._options = options

    @property
    def address(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def blob(self, digest: str) -> Path:
        return self.store / "cas/objects" / digest[:2] / digest[2:]

    def _command(self) -> list[str | Path]:
        return [
            self._program,
            f"--bind=127.0.0.1:{self.port}",
            # A failure may be the machine's fault.
            "--cache-failures=false",
            "--log-level=info",
            f"--buildbox-run={self._program.with_name('buildbox-run-hosttools')}",
            f"--jobs={os.cpu_count()}",
            *self._options,
            self.store,
        ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
