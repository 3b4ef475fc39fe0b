"""The server side of `rpc_servers`: ``python -m llama_cpp rpc-server``."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from typing import List, Optional

from . import _core
from ._backends.devices import devices
from ._backends.remote import load_rpc
from ._engine.threads import default_threads
from ._logger import set_verbose

DEFAULT_PORT = 50052  # of llama.cpp's tools/rpc
_MAX_THREADS = 512  # ggml.h: GGML_MAX_N_THREADS
_WARNING = """\
warning: everybody who reaches {endpoint} can use this server.
  The protocol has no authentication and no encryption, and a client can very likely run code of its
  own on this machine. Let a firewall admit your machines only, or listen on 127.0.0.1 and have
  clients come through an SSH tunnel."""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds the command to a command line."""
    command = commands.add_parser(
        "rpc-server",
        help="compute for other machines, which name this one in rpc_servers",
        description="Serve devices of this machine to Llama(rpc_servers=...) on other machines, one"
        " client at a time, until SIGINT or SIGTERM. The protocol has no authentication and no"
        " encryption.",
    )
    command.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="the IPv4 address to listen on (default 127.0.0.1: this machine only)",
    )
    command.add_argument(
        "--port", type=int, default=DEFAULT_PORT, metavar="N", help=f"(default {DEFAULT_PORT})"
    )
    command.add_argument(
        "--device",
        metavar="NAME[,NAME]",
        help="the devices to serve, as `info` lists them (default: the GPUs, or the CPU if there is"
        " none)",
    )
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads")
    command.add_argument(
        "--cache",
        nargs="?",
        const="",
        metavar="DIRECTORY",
        help="keep tensors of 10 MiB and more, so that a model that is loaded again is not sent"
        " again (default directory: llama_cpp/rpc in the user's cache)",
    )
    command.add_argument("--verbose", action="store_true", help="show llama.cpp's messages")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serves until a signal ends the process. ValueError and OSError for wrong arguments."""
    names = _devices(arguments.device)
    threads = default_threads().count if arguments.threads is None else arguments.threads
    if not 0 < threads <= _MAX_THREADS:
        raise ValueError(
            f"--threads {threads} is no number of threads\nTake one of 1 to {_MAX_THREADS}."
        )
    cache = _cache_directory(arguments.cache)
    _check_address(arguments.host, arguments.port)
    set_verbose(arguments.verbose)
    load_rpc()
    endpoint = f"{arguments.host}:{arguments.port}"
    if not arguments.host.startswith("127."):
        print(_WARNING.format(endpoint=endpoint), file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing here is worth an orderly end, and the native loop knows none.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _core.serve_devices(endpoint, cache, threads, names)
    raise OSError(f"cannot listen on {endpoint}\nTake another --port, or end the program there.")


def _devices(wanted: Optional[str]) -> List[str]:
    """Returns the names of the devices to serve. ValueError if there is no such device."""
    found = devices()
    if wanted is None:
        gpus = [device.name for device in found if device.type in ("gpu", "igpu")]
        return gpus or [device.name for device in found if device.type == "cpu"][:1]
    known = [device.name for device in found]
    names = [name.strip() for name in wanted.split(",")]
    for name in names:
        if name not in known:
            raise ValueError(
                f"--device: this machine has no device {name!r}\nTake one of {', '.join(known)}."
            )
    return names


def _cache_directory(wanted: Optional[str]) -> str:
    """Returns the directory of --cache, which exists then; "" without one."""
    if wanted is None:
        return ""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    directory = os.path.abspath(wanted or os.path.join(base, "llama_cpp", "rpc"))
    os.makedirs(directory, mode=0o700, exist_ok=True)
    return directory


def _check_address(host: str, port: int) -> None:
    """Raises ValueError or OSError unless this process can listen there."""
    if not 0 < port < 1 << 16:
        raise ValueError(f"--port {port} is no port\nTake one of 1 to 65535.")
    try:
        socket.inet_aton(host)
    except OSError:
        raise ValueError(
            f"--host {host} is no IPv4 address\nTake 127.0.0.1, or an address of this machine."
        ) from None
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(
                f"cannot listen on {host}:{port}: {error.strerror}\n"
                "Take another --port, or end the program that listens there."
            ) from None
