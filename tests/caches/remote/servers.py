"""Real servers on loopback, each with a directory of its own: nginx (HTTP), and buildbox-casd
(gRPC) behind nginx.

Their programs are Debian's, unpacked; each is started by the dynamic loader beside it. Standard
library only.
"""

from __future__ import annotations

import dataclasses
import os
import resource
import shlex
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
# Started by root it would serve as nobody, whose files root may not read without CAP_DAC_OVERRIDE.
user root root;
error_log {folder}/error.log;
# Bazel uploads a thousand files at once, and each takes two.
worker_rlimit_nofile 8192;
events {{ worker_connections 8192; }}
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

# Debian's Bazel 7 speaks version 2.0 of the protocol only, buildbox-casd says 2.1 or later and yet
# understands it: nginx answers this one question for it. The rest goes through, and into nginx's
# log.
_GRPC = """
        http2 on;
        http2_max_concurrent_streams 1000;
        keepalive_requests 1000000;
        location = /build.bazel.remote.execution.v2.Capabilities/GetCapabilities {{
            # A file can't be posted to, but an error page is one that is got.
            error_page 405 =200 /capabilities;
            return 405;
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

# A message `ServerCapabilities` of the protocol: SHA-256, an action cache that takes results,
# execution, version 2.0.
_CAPABILITIES = bytes.fromhex("0a070a010112020801120408011001220208022a020802")


@dataclasses.dataclass(frozen=True)
class Packages:
    """Unpacked packages of Debian, with the C library that their programs want.

    Attributes:
        root: where they were unpacked.
    """

    root: Path

    @classmethod
    def of(cls, files: str) -> Packages:
        """Returns the packages that hold some files, given by their paths with spaces between."""
        file = Path(files.split()[0]).absolute()
        while file.name != "usr":
            file = file.parent
        return cls(file.parent)

    def command(self, program: str) -> list[str]:
        """Returns how to start a program, such as `usr/sbin/nginx`."""
        loader = next((self.root / "usr").glob("lib*/ld-linux-*.so.*"))
        libraries = next((self.root / "usr/lib").glob("*/libc.so.6")).parent
        return [str(loader), "--library-path", str(libraries), str(self.root / program)]


class _Process:
    """A process that listens on a port of loopback."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                # buildbox-casd gives up at a directory of PATH that it may not read.
                env={**os.environ, "PATH": os.defpath},
                stdout=file,
                stderr=file,
                # Python ignores SIGXFSZ, and so shall the server: see fill_up.
                restore_signals=False,
            )
        self._await(port)

    def _await(self, port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"a server did not start: {self._log.read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def fill_up(self, size: int) -> None:
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, size))


class Server:
    """A cache that runs until the end of the `with` block: nginx, over HTTP.

    Attributes:
        folder: holds its files.
        store: where it keeps uploads.
        port: where it listens on 127.0.0.1.

    Args:
        nginx: nginx.
        folder: see above; blobs stored there earlier are served again.
        settings: more directives for nginx's location of the served files.
    """

    scheme = "http"

    def __init__(self, nginx: Packages, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.store = folder / "store"
        self.store.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        self._nginx = nginx
        self._settings = settings
        self._processes: list[_Process] = []

    @property
    def address(self) -> str:
        """Returns the value for `--remote_cache`."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Server:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends the server as a crash would."""
        for process in self._processes:
            process.kill()

    def hang(self) -> None:
        """Makes it accept connections and never answer."""
        for process in self._processes:
            process.hang()

    def fill_up(self, size: int) -> None:
        """Makes it fail to write beyond a size into any file, as on a full disk."""
        for process in self._processes:
            process.fill_up(size)

    def calls(self) -> list[str]:
        """Returns a line of nginx's log for each request: method, path, status."""
        return (self.folder / "access.log").read_text().splitlines()

    def blob(self, digest: str) -> Path:
        """Returns the file that holds the blob of a SHA-256."""
        return self.store / "cas" / digest

    def _start(self) -> None:
        self._start_nginx(_FILES.format(store=self.store, settings=self._settings))

    def _start_nginx(self, locations: str) -> None:
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _NGINX.format(folder=self.folder, locations=locations, port=self.port)
        )
        command = self._nginx.command("usr/sbin/nginx")
        command += ["-e", str(self.folder / "error.log"), "-c", str(configuration)]
        self._processes.append(_Process(command, self.port, self.folder / "nginx.log"))


class GrpcServer(Server):
    """buildbox-casd behind nginx: a cache over gRPC, which executes actions too.

    Args:
        nginx: see Server.
        buildbox: buildbox.
        folder: see Server.
        settings: see Server.
    """

    scheme = "grpc"

    def __init__(
        self, nginx: Packages, buildbox: Packages, folder: Path, settings: str = ""
    ) -> None:
        super().__init__(nginx, folder, settings)
        self._buildbox = buildbox

    def blob(self, digest: str) -> Path:
        return self.store / "cas/objects" / digest[:2] / digest[2:]

    def _start(self) -> None:
        port = _free_port()
        command = self._buildbox.command("usr/bin/buildbox-casd")
        command += [f"--bind=127.0.0.1:{port}", f"--buildbox-run={self._runner()}"]
        # A failure may be the machine's fault: not to be remembered.
        command += ["--cache-failures=false", f"--jobs={os.cpu_count()}"]
        # By default casd refuses results as soon as less than 2 GB of the disk are free.
        command += ["--reserved=16M", str(self.store)]
        self._processes.append(_Process(command, port, self.folder / "casd.log"))
        frame = b"\0" + len(_CAPABILITIES).to_bytes(4, "big") + _CAPABILITIES
        (self.folder / "capabilities").write_bytes(frame)
        self._start_nginx(_GRPC.format(backend=port, folder=self.folder, settings=self._settings))

    def _runner(self) -> Path:
        """Writes the program that casd starts for each action."""
        runner = self.folder / "run"
        command = shlex.join(self._buildbox.command("usr/bin/buildbox-run-hosttools"))
        runner.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        runner.chmod(0o755)
        return runner


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
