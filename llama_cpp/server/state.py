"""The state of an application: its settings and its models."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import Depends, Request
from typing_extensions import Annotated

from .model import LlamaProxy
from .settings import ServerSettings


class State(NamedTuple):
    """Settings and models of an application, in `app.state.llama`."""

    settings: ServerSettings
    proxy: LlamaProxy


def state_of(request: Request) -> State:
    """Returns the state of the application that has the request, for Depends()."""
    state: State = request.app.state.llama
    return state


CurrentState = Annotated[State, Depends(state_of)]
