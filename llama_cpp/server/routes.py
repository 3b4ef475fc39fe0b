"""The routes that pass a request on to an engine: llama-server's, under all of its paths."""

# No `from __future__ import annotations`: FastAPI reads the annotations of functions that are made
# in functions.

import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from . import compat, types
from .bodies import prepared
from .errors import ServerError
from .passing import ask, while_connected
from .response_events import ResponseEvents
from .state import CurrentState, State
from .streams import Comments, PassedOn, comments_of

Json = Dict[str, Any]


class JsonRoute(APIRoute):
    """A route that takes JSON only.

    A web page of anybody can have a browser send other types to this machine without asking first
    (Fetch, "CORS-safelisted request-header").
    """

    def get_route_handler(self) -> Callable[..., Any]:
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if request.method == "POST" and not _is_empty(request):
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and not kind.endswith("+json"):
                    raise ServerError(
                        415, "The body has to be JSON: send `Content-Type: application/json`"
                    )
            response: Response = await handler(request)
            return response

        return checked


def _is_empty(request: Request) -> bool:
    """Tells whether a request has no body, and does not come from a web page."""
    names = ("content-type", "transfer-encoding", "origin")
    size = request.headers.get("content-length", "0")
    return size == "0" and not any(name in request.headers for name in names)


class Passing(NamedTuple):
    """A route of an engine.

    Attributes:
        route: its name in native/engine/engine.cpp.
        paths: of the server.
        body: the type of the request.
        tag: section of the OpenAPI page.
        summary: title there.
        computes: whether it needs a slot.
        translate: from llama-cpp-python's request to llama-server's.
        completing: makes a function that completes the pieces of one stream.
    """

    route: str
    paths: Tuple[str, ...]
    body: Type[types.Body]
    tag: str
    summary: str
    computes: bool = True
    translate: Callable[[Json], Json] = compat.common
    completing: Optional[Callable[[], Callable[[bytes], bytes]]] = None


_OPENAI, _ANTHROPIC, _LLAMA = "OpenAI V1", "Anthropic", "llama.cpp"

PASSING = (
    Passing(
        "POST /v1/chat/completions",
        ("/v1/chat/completions", "/chat/completions"),
        types.CreateChatCompletionRequest,
        _OPENAI,
        "Chat",
        translate=compat.chat,
    ),
    Passing(
        "POST /v1/completions",
        ("/v1/completions",),
        types.CreateCompletionRequest,
        _OPENAI,
        "Completion",
        translate=compat.completion,
    ),
    Passing(
        "POST /v1/embeddings",
        ("/v1/embeddings",),
        types.CreateEmbeddingRequest,
        _OPENAI,
        "Embedding",
    ),
    Passing(
        "POST /v1/responses",
        ("/v1/responses", "/responses"),
        types.CreateResponseRequest,
        _OPENAI,
        "Response",
        translate=compat.response,
        completing=ResponseEvents,
    ),
    Passing(
        "POST /v1/chat/completions/input_tokens",
        ("/v1/chat/completions/input_tokens", "/chat/completions/input_tokens"),
        types.CreateChatCompletionRequest,
        _OPENAI,
        "Tokens of a chat",
        False,
        compat.chat,
    ),
    Passing(
        "POST /v1/responses/input_tokens",
        ("/v1/responses/input_tokens", "/responses/input_tokens"),
        types.CreateResponseRequest,
        _OPENAI,
        "Tokens of a response's input",
        False,
        translate=compat.response,
    ),
    Passing(
        "POST /v1/messages",
        ("/v1/messages",),
        types.CreateMessageRequest,
        _ANTHROPIC,
        "Message",
        translate=compat.message,
    ),
    Passing(
        "POST /v1/messages/count_tokens",
        ("/v1/messages/count_tokens",),
        types.CreateMessageRequest,
        _ANTHROPIC,
        "Tokens of a message",
        False,
        translate=compat.message,
    ),
    Passing(
        "POST /completion",
        ("/completion", "/completions"),
        types.CreateCompletionRequest,
        _LLAMA,
        "Completion, llama.cpp's",
    ),
    Passing(
        "POST /v1/rerank",
        ("/v1/rerank", "/rerank", "/v1/reranking", "/reranking"),
        types.RerankRequest,
        _LLAMA,
        "Rerank",
    ),
    Passing(
        "POST /embedding",
        ("/embedding", "/embeddings"),
        types.CreateEmbeddingRequest,
        _LLAMA,
        "Embedding, llama.cpp's",
    ),
    Passing("POST /infill", ("/infill",), types.InfillRequest, _LLAMA, "Infill"),
    Passing("POST /tokenize", ("/tokenize",), types.TokenizeRequest, _LLAMA, "Tokens", False),
    Passing("POST /detokenize", ("/detokenize",), types.DetokenizeRequest, _LLAMA, "Text", False),
    Passing(
        "POST /apply-template",
        ("/apply-template",),
        types.TemplateRequest,
        _LLAMA,
        "Prompt of a chat",
        False,
        compat.chat,
    ),
)

_COPILOT = "copilot-codex"

_ANSWERS: Dict[Any, Json] = {
    200: {
        "description": "The answer; with `stream`, server-sent events.",
        "content": {"application/json": {}, "text/event-stream": {}},
    }
}


async def pass_on(
    request: Request,
    state: State,
    passing: Passing,
    body: types.Body,
    model: Optional[str],
) -> Response:
    """Answers a request by an engine."""

    async def work() -> Response:
        alias = state.proxy.alias_of(model)
        translated = passing.translate(body.model_dump(exclude_unset=True))
        text = await prepared(translated, state.settings)
        lease = await state.proxy.lease(alias, counts=passing.computes)
        answer = await ask(lease, passing.route, text)
        if passing.completing is not None and isinstance(answer, PassedOn):
            answer.change_pieces(passing.completing())
        return answer

    return await while_connected(request, work(), _comments(state, passing, body))


def _comments(state: State, passing: Passing, body: types.Body) -> Optional[Comments]:
    if not passing.computes or "stream" not in passing.body.model_fields:
        return None
    return comments_of(
        state.settings,
        getattr(body, "stream", None),
        getattr(body, "sse_ping_interval", None),
        passing.tag == _ANTHROPIC,
    )


def _add(router: APIRouter, passing: Passing) -> None:
    kind = passing.body

    async def endpoint(
        request: Request,
        body: kind,  # type: ignore[valid-type]
        state: CurrentState,
    ) -> Response:
        checked: types.Body = body
        return await pass_on(request, state, passing, checked, checked.model)

    for index, path in enumerate(passing.paths):
        router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            summary=passing.summary,
            tags=[passing.tag],
            include_in_schema=index == 0,
            response_model=None,
            responses=_ANSWERS,
        )


def _add_copilot(router: APIRouter) -> None:
    (completion,) = (each for each in PASSING if each.route == "POST /v1/completions")

    async def endpoint(
        request: Request,
        body: types.CreateCompletionRequest,
        state: CurrentState,
    ) -> Response:
        model = _COPILOT if _COPILOT in state.proxy else None
        return await pass_on(request, state, completion, body, model)

    router.add_api_route(
        "/v1/engines/copilot-codex/completions",
        endpoint,
        methods=["POST"],
        include_in_schema=False,
        response_model=None,
    )


def _add_slots(router: APIRouter) -> None:
    async def save_restore_or_erase(
        request: Request,
        id_slot: int,
        action: str,
        state: CurrentState,
        body: Optional[types.SlotRequest] = None,
        model: Optional[str] = None,
    ) -> Response:
        async def work() -> Response:
            asked = body or types.SlotRequest()
            alias = state.proxy.alias_of(model or asked.model)
            text = json.dumps(asked.model_dump(exclude_unset=True)).encode()
            parameters = {"id_slot": str(id_slot), "action": action}
            lease = await state.proxy.lease(alias)
            return await ask(lease, "POST /slots/:id_slot", text, parameters)

        return await while_connected(request, work())

    router.add_api_route(
        "/slots/{id_slot}",
        save_restore_or_erase,
        methods=["POST"],
        summary="Save, restore or erase a slot",
        tags=[_LLAMA],
        response_model=None,
    )


def _add_loras(router: APIRouter) -> None:
    async def set_scales(
        request: Request,
        body: List[Dict[str, Any]],
        state: CurrentState,
        model: Optional[str] = None,
    ) -> Response:
        async def work() -> Response:
            lease = await state.proxy.lease(state.proxy.alias_of(model))
            return await ask(lease, "POST /lora-adapters", json.dumps(body).encode())

        return await while_connected(request, work())

    router.add_api_route(
        "/lora-adapters",
        set_scales,
        methods=["POST"],
        summary="Set the scales of LoRA adapters",
        tags=[_LLAMA],
        response_model=None,
    )


def make_router() -> APIRouter:
    """Returns the routes."""
    router = APIRouter(route_class=JsonRoute)
    for passing in PASSING:
        _add(router, passing)
    _add_copilot(router)
    _add_slots(router)
    _add_loras(router)
    return router
