"""Fixtures: servers, and relays before them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from relay import Relay
from rpc_server import RpcServer
from wheel_fixtures import load, model_path, random_models, run_python

__all__ = ["load", "model_path", "random_models", "run_python"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator:
    """Returns a function that starts a server; options go to its command line."""
    with ExitStack() as stack:
        yield lambda *options, **env: stack.enter_context(RpcServer(tmp_path, options, env))


@pytest.fixture
def popen(tmp_path: Path) -> Iterator:
    """Returns a function that starts a child process with Python code, whose streams are texts."""
    with ExitStack() as stack:

        def run(code: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                cwd=tmp_path,
                env={**os.environ, **env},
                stderr=subprocess.PIPE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.kill)
            return process

        yield run


@pytest.fixture
def relay() -> Iterator:
    """Returns a function that puts a relay before a server; see Relay."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(Relay(server.port))
