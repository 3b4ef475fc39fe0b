"""Fixtures of the suites about images and sounds."""

from __future__ import annotations

import socket

import pytest
from servers import Network
from wheel_fixtures import run_python

from llama_cpp._media.policy import MediaPolicy

__all__ = ["run_python"]


@pytest.fixture
def policy() -> MediaPolicy:
    """Returns the default rules."""
    return MediaPolicy()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Replaces the name server and the network."""
    network = Network()
    monkeypatch.setattr(socket, "getaddrinfo", network.getaddrinfo)
    monkeypatch.setattr(
        socket.socket, "connect", lambda self, address: network.connect(self, address)
    )
    return network
