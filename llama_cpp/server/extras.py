"""llama-cpp-python's own routes."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from fastapi import APIRouter

from .passing import ask_json
from .routes import JsonRoute
from .state import CurrentState, State
from .types import (
    DetokenizeInputRequest,
    DetokenizeInputResponse,
    TokenizeInputCountResponse,
    TokenizeInputRequest,
    TokenizeInputResponse,
)

router = APIRouter(route_class=JsonRoute, tags=["Extras"])


@router.post("/extras/tokenize", summary="Tokenize")
async def tokenize(body: TokenizeInputRequest, state: CurrentState) -> TokenizeInputResponse:
    """Returns the tokens of a text, with BOS as the model wants it."""
    return TokenizeInputResponse(tokens=await _tokens(state, body))


@router.post("/extras/tokenize/count", summary="Tokenize Count")
async def count_query_tokens(
    body: TokenizeInputRequest, state: CurrentState
) -> TokenizeInputCountResponse:
    """Returns the number of tokens of a text."""
    return TokenizeInputCountResponse(count=len(await _tokens(state, body)))


@router.post("/extras/detokenize", summary="Detokenize")
async def detokenize(body: DetokenizeInputRequest, state: CurrentState) -> DetokenizeInputResponse:
    """Returns the text of tokens."""
    answer = await _ask(state, body.model, "POST /detokenize", {"tokens": body.tokens})
    return DetokenizeInputResponse(text=answer["content"])


async def _tokens(state: State, body: TokenizeInputRequest) -> List[int]:
    request = {"content": body.input, "add_special": True, "parse_special": True}
    answer = await _ask(state, body.model, "POST /tokenize", request)
    tokens: List[int] = answer["tokens"]
    return tokens


async def _ask(state: State, model: Optional[str], route: str, request: Dict[str, Any]) -> Any:
    lease = await state.proxy.lease(state.proxy.alias_of(model))
    return await ask_json(lease, route, request)
