"""The routes that say how the server and its models are."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from .errors import ServerError, busy
from .passing import ask, ask_json, while_connected, without_directories
from .state import CurrentState, State
from .types import ModelData, ModelList

router = APIRouter()

_TAG = "llama.cpp"


@router.get("/health", tags=[_TAG], summary="Health")
@router.get("/v1/health", include_in_schema=False)
async def health(state: CurrentState) -> Dict[str, str]:
    """Answers 200 if requests can be answered at once, or 503 while the first model loads.

    It needs no API key.
    """
    if not state.proxy.ready():
        if state.proxy.first_error is not None:
            raise ServerError(503, "The model cannot be loaded; the server's log has the reason")
        if "loading" in state.proxy.states().values():
            raise busy("Loading model")
    return {"status": "ok"}


@router.get("/v1/models", tags=["OpenAI V1"], summary="Models")
@router.get("/models", include_in_schema=False)
async def models(state: CurrentState) -> ModelList:
    """Returns the models that requests may name, loaded or not.

    `models` has what those in memory can do, as llama-server says it.
    """
    found = {alias: await _of_loaded(state, alias) for alias in state.proxy}
    return ModelList(
        data=[_model(state, alias, answer) for alias, answer in found.items()],
        models=[each for answer in found.values() for each in answer.get("models", [])],
    )


@router.get("/v1/models/{model:path}", tags=["OpenAI V1"], summary="Model")
@router.get("/models/{model:path}", include_in_schema=False)
async def model(model: str, state: CurrentState) -> ModelData:
    """Returns one of the models."""
    alias = state.proxy.alias_of(model)
    return _model(state, alias, await _of_loaded(state, alias))


async def _of_loaded(state: State, alias: str) -> Dict[str, Any]:
    """Returns llama-server's answer for a model, an empty one if it is not in memory."""
    if state.proxy.states()[alias] != "loaded":
        return {}
    found = await ask_json(await state.proxy.lease(alias), "GET /v1/models")
    answer: Dict[str, Any] = without_directories(found)
    return answer


def _model(state: State, alias: str, answer: Dict[str, Any]) -> ModelData:
    more: Dict[str, Any] = {
        "status": {"value": "loaded" if answer else state.proxy.states()[alias]}
    }
    for each in answer.get("data", []):
        more.update({name: each[name] for name in ("aliases", "meta", "tags") if name in each})
    return ModelData(id=alias, created=state.proxy.created, **more)


@router.get("/metrics", tags=[_TAG], summary="Metrics for Prometheus")
async def metrics(request: Request, state: CurrentState, model: Optional[str] = None) -> Response:
    """Returns llama.cpp's counters of a model; with several models, those of all that are loaded.

    Then each has the label `model`.
    """
    response = await _metrics(request, state, model)
    # llama-server's.
    response.headers["Process-Start-Time-Unix"] = str(state.proxy.created)
    return response


async def _metrics(request: Request, state: State, model: Optional[str]) -> Response:
    aliases = [state.proxy.alias_of(model)] if model else list(state.proxy)
    if len(aliases) == 1:
        return await _of_engine(request, state, "GET /metrics", aliases[0])
    texts = []
    for alias in state.proxy.ready():
        response = await ask(await state.proxy.lease(alias), "GET /metrics")
        texts.append(labelled(bytes(response.body).decode(), alias))
    return Response(merged(texts), media_type="text/plain; version=0.0.4")


def labelled(text: str, model: str) -> List[str]:
    """Returns lines of Prometheus' text format in which each sample has the label `model`."""
    value = model.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    lines = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, number = line.partition(" ")
            line = f'{name}{{model="{value}"}} {number}'
        lines.append(line)
    return lines


def merged(texts: List[List[str]]) -> str:
    """Returns one text of several: a metric's comments once, with the samples of all behind."""
    comments: Dict[str, None] = {}
    samples: Dict[str, List[str]] = {}
    for lines in texts:
        for line in lines:
            if line.startswith("#"):
                comments[line] = None
            elif line:
                samples.setdefault(line.partition("{")[0], []).append(line)
    out = []
    for name, found in samples.items():
        out += [line for line in comments if line.split(" ")[2:3] == [name]]
        out += found
    return "".join(f"{line}\n" for line in out)


@router.get("/props", tags=[_TAG], summary="Properties of a model")
async def props(request: Request, state: CurrentState, model: Optional[str] = None) -> Response:
    """Returns llama.cpp's properties; the model's path is the name of its file."""
    return await _of_engine(request, state, "GET /props", state.proxy.alias_of(model))


@router.get("/slots", tags=[_TAG], summary="Slots of a model")
async def slots(
    request: Request,
    state: CurrentState,
    model: Optional[str] = None,
    fail_on_no_slot: Optional[str] = None,
) -> Response:
    """Returns the state of each slot."""
    parameters = {"fail_on_no_slot": fail_on_no_slot} if fail_on_no_slot else {}
    alias = state.proxy.alias_of(model)
    return await _of_engine(request, state, "GET /slots", alias, parameters)


@router.get("/lora-adapters", tags=[_TAG], summary="LoRA adapters of a model")
async def lora_adapters(
    request: Request, state: CurrentState, model: Optional[str] = None
) -> Response:
    """Returns the adapters by number; the path is the name of the file."""
    return await _of_engine(request, state, "GET /lora-adapters", state.proxy.alias_of(model))


async def _of_engine(
    request: Request,
    state: State,
    route: str,
    alias: str,
    parameters: Optional[Dict[str, str]] = None,
) -> Response:
    async def work() -> Response:
        response = await ask(await state.proxy.lease(alias), route, b"", parameters)
        if not str(response.media_type).startswith("application/json"):
            return response
        return JSONResponse(without_directories(json.loads(bytes(response.body))))

    return await while_connected(request, work())
