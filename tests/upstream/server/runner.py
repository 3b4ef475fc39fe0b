"""Runs upstream's server tests (tools/server/tests of llama.cpp's sources) against a server.

    python runner.py --sources SOURCES --work DIR --outcomes FILE --trained kjv-q8_0.gguf \
        --random DIR --projectors DIR [--program llama-server] [-- options of pytest]

Without --program the server is `python -m llama_cpp.server` of this Python. The outcomes are JSON:
test -> {"outcome": "passed", "failed" or "skipped", "reason": ...}.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Optional

import places

_HERE = Path(__file__).absolute().parent


def _adapter(work: Path) -> Path:
    """Writes a program that takes llama-server's options and runs our server."""
    program = work / "llama_cpp_server"
    adapter = _HERE / "llama_server_options.py"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{adapter}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def _backend() -> Path:
    """Returns a backend for llama-server, which has none: our package's, for any CPU."""
    package = find_spec("llama_cpp")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "lib" / "libggml-cpu-x64.so"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def run(
    sources: Path,
    models: places.Models,
    work: Path,
    outcomes: Path,
    program: Optional[Path],
    options: list[str],
) -> int:
    """Runs the tests; returns pytest's exit status.

    Args:
        sources: llama.cpp's sources.
        models: what takes the place of the downloaded models.
        work: an empty directory.
        outcomes: the file to write.
        program: llama-server; None: our server.
        options: further ones of pytest.
    """
    tests = places.copy_tests(sources, work, models)
    places.fill_cache(work / "cache", models)
    environment = {
        **os.environ,
        "LLAMA_ARG_OFFLINE": "1",
        "LLAMA_CACHE": str(work / "cache"),
        "LLAMA_SERVER_BIN_PATH": str((program or _adapter(work)).absolute()),
        "OUTCOMES": str(outcomes.absolute()),
        "PORT": str(_free_port()),
        "PYTHONPATH": os.pathsep.join([str(_HERE), os.environ.get("PYTHONPATH", "")]),
    }
    if program is not None:
        environment["GGML_BACKEND_PATH"] = str(_backend())
    command = [sys.executable, "-m", "pytest", "-p", "outcomes_plugin", "-p", "no:cacheprovider"]
    command += ["-q", "--tb=short", f"--basetemp={work / 'tmp'}", *options]
    return subprocess.run(command, cwd=tests, env=environment).returncode


def main() -> int:
    """Runs the program; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("sources", "work", "outcomes", "trained", "random", "projectors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--program", type=Path, help="llama-server; default: our server")
    parser.add_argument("options", nargs="*", help="of pytest")
    given = parser.parse_args()
    models = places.Models(given.trained, given.random, given.projectors)
    return run(
        given.sources, models, given.work, given.outcomes, given.program, given.options or ["unit"]
    )


if __name__ == "__main__":
    sys.exit(main())
