"""Speech to text: the route whose request is a form with a file."""

# No `from __future__ import annotations`: FastAPI reads the annotations of functions that are made
# in functions.

import asyncio
import json
from typing import Dict, Optional, Tuple

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from .._errors import MediaError
from .._serving.request_media import wav_file
from .errors import ServerError
from .passing import ask, while_connected
from .state import CurrentState, State
from .streams import comments_of

_ROUTE = "POST /v1/audio/transcriptions"

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "model": {"type": "string"},
                        "prompt": {"type": "string"},
                        "language": {"type": "string"},
                        "stream": {"type": "string", "enum": ["true", "false"]},
                    },
                }
            }
        },
    }
}


async def _transcribe(state: State, fields: Dict[str, str], sound: bytes) -> Response:
    alias = state.proxy.alias_of(fields.get("model"))
    loop = asyncio.get_running_loop()
    try:
        # llama.cpp's own decoder crashes on some files.
        data = await loop.run_in_executor(None, wav_file, sound, state.settings.media_policy)
    except MediaError as error:
        raise ServerError(400, str(error), code="invalid_media", param="file") from None
    body = json.dumps(fields).encode()
    lease = await state.proxy.lease(alias, counts=True)
    return await ask(lease, _ROUTE, body, files={"file": ("sound.wav", data)})


async def _form(request: Request) -> Tuple[Dict[str, str], bytes]:
    """Returns the fields, and the bytes of the file."""
    sound: Optional[bytes] = None
    fields: Dict[str, str] = {}
    async with request.form(max_files=1, max_fields=50) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                sound = await value.read()
            else:
                fields[name] = value
    if sound is None:
        raise ServerError(400, "The form has no file", param="file")
    return fields, sound


def make_router() -> APIRouter:
    """Returns the route, under both of its paths."""
    router = APIRouter()

    async def transcribe(request: Request, state: CurrentState) -> Response:
        fields, sound = await _form(request)
        comments = comments_of(state.settings, fields.get("stream") == "true")
        return await while_connected(request, _transcribe(state, fields, sound), comments)

    for index, path in enumerate(("/v1/audio/transcriptions", "/audio/transcriptions")):
        router.add_api_route(
            path,
            transcribe,
            methods=["POST"],
            summary="Transcription",
            tags=["OpenAI V1"],
            include_in_schema=index == 0,
            openapi_extra=_FORM,
            response_model=None,
        )
    return router
