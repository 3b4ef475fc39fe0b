"""From a request to an engine's answer, and on to the client."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Callable, Coroutine, Mapping, Optional, Tuple

from fastapi import Request
from fastapi.responses import Response

from .._errors import ClosedError, StateError
from .._serving.answers import AsyncAnswer, Head, Item, Running
from .errors import busy, engine_error
from .model import Lease
from .streams import Comments, LateStream, PassedOn

Files = Mapping[str, Tuple[str, bytes]]

# nginx's status for a client that is gone. Nobody reads it.
_GONE = 499

# Members of llama.cpp's answers that hold a path of the server.
_PATHS = frozenset({"model_path", "path"})


async def ask(
    lease: Lease,
    route: str,
    body: bytes = b"",
    parameters: Optional[Mapping[str, str]] = None,
    files: Optional[Files] = None,
) -> Response:
    """Returns an engine's answer, and releases the engine as soon as that has ended.

    Raises:
        ServerError: the engine answers with an error.
    """
    answer = await _begin(lease, route, body, parameters, files)
    if answer.head.is_stream:
        return PassedOn(answer)
    return _whole(answer.head, await answer.body())


async def ask_json(lease: Lease, route: str, body: Any = None) -> Any:
    """Returns an engine's answer, which is JSON."""
    text = b"" if body is None else json.dumps(body).encode()
    return json.loads(bytes((await ask(lease, route, text)).body))


async def _begin(
    lease: Lease,
    route: str,
    body: bytes,
    parameters: Optional[Mapping[str, str]],
    files: Optional[Files],
) -> AsyncAnswer:
    begin = lease.engine.starter(route, body, parameters, files)

    def start(put: Callable[[Item], None]) -> Running:
        def put_and_release(item: Item) -> None:
            # A client that reads slowly does not hold the model.
            if not isinstance(item, (Head, bytes)):
                lease.release()
            put(item)

        return begin(put_and_release)

    try:
        return await AsyncAnswer.start(start)
    except (ClosedError, StateError):
        lease.release()
        raise busy("The model is being unloaded") from None
    except Exception:
        lease.release()
        raise


def _whole(head: Head, body: bytes) -> Response:
    if head.status == 0:
        raise busy("The server is stopping")
    if head.status >= 400:
        raise engine_error(head.status, body)
    return Response(body, head.status, media_type=head.content_type)


def without_directories(value: Any) -> Any:
    """Returns an answer of llama.cpp in which paths are names of files."""
    if isinstance(value, list):
        return [without_directories(each) for each in value]
    if isinstance(value, dict):
        return {key: _member(key, each) for key, each in value.items()}
    return value


def _member(key: str, value: Any) -> Any:
    if key in _PATHS and isinstance(value, str):
        return os.path.basename(value)
    return without_directories(value)


async def while_connected(
    request: Request,
    work: Coroutine[Any, Any, Response],
    comments: Optional[Comments] = None,
) -> Response:
    """Returns the response, or gives up the work if the client goes away first.

    Args:
        request: the request.
        work: makes the response.
        comments: of a stream that has not begun after some time.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    late = None
    try:
        seconds = None if comments is None else comments.seconds
        await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if comments is None or gone.done():
            return Response(status_code=_GONE)
        late = LateStream(task, comments)
        return late
    finally:
        gone.cancel()
        if late is None and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
