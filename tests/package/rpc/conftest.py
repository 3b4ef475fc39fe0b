"""Fixtures: servers, and relays before them."""

from __future__ import annotations

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
def relay() -> Iterator:
    """Returns a function that puts a relay before a server; see Relay."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(Relay(server.port))
