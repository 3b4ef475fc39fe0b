"""The application: create_app()."""

from __future__ import annotations

import contextlib
import os
from typing import Any, AsyncIterator, Callable, List, Optional, Tuple

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .. import _build_info
from . import errors, extras, routes, status, transcriptions
from .auth import ApiKey
from .config import read_config
from .limits import SizeLimits
from .model import LlamaProxy
from .root_path import RootPath
from .settings import ModelSettings, ServerSettings, Settings
from .state import State


def create_app(
    settings: Optional[Settings] = None,
    server_settings: Optional[ServerSettings] = None,
    model_settings: Optional[List[ModelSettings]] = None,
) -> FastAPI:
    """Returns the server as an ASGI application, to be run, mounted or extended.

    The first model begins to load when the application starts up; the others, and all of a mounted
    application, when a request needs them.

    Args:
        settings: of the server and one model; default those of the environment.
        server_settings: of the server, together with `model_settings`.
        model_settings: the models; the first one is the default.

    Raises:
        ValueError: a setting is wrong.
    """
    config = os.environ.get("CONFIG_FILE")
    if config and settings is None and server_settings is None and model_settings is None:
        server_settings, model_settings = read_config(config)
    if server_settings is None and model_settings is None:
        both = settings if settings is not None else Settings()  # type: ignore[call-arg]
        server_settings, model_settings = _parts(both)
    if server_settings is None or model_settings is None:
        raise ValueError(
            "server_settings and model_settings belong together\nPass both, or settings alone."
        )
    return application(server_settings, LlamaProxy(model_settings, server_settings))


def _parts(settings: Settings) -> Tuple[ServerSettings, List[ModelSettings]]:
    def of(kind: Any) -> Any:
        names = settings.model_fields_set & kind.model_fields.keys()
        return kind(**{name: getattr(settings, name) for name in names})

    return of(ServerSettings), [of(ModelSettings)]


def application(
    settings: ServerSettings,
    proxy: LlamaProxy,
    at_load_error: Callable[[BaseException], None] = lambda error: None,
) -> FastAPI:
    """Returns the application for models.

    Args:
        settings: of the server.
        proxy: the models; closed when the application shuts down.
        at_load_error: called if the first model cannot be loaded at the start.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        proxy.preload(at_load_error)
        yield
        proxy.free()

    app = FastAPI(
        title="llama.cpp Python API",
        version=_build_info.VERSION,
        lifespan=lifespan,
    )
    app.state.llama = State(settings, proxy)
    errors.add_handlers(app)
    app.include_router(routes.make_router())
    app.include_router(transcriptions.make_router())
    app.include_router(status.router)
    app.include_router(extras.router)
    # The last one is the outermost: refusals have the headers of CORS, too.
    app.add_middleware(
        SizeLimits,
        most_of_headers=settings.max_header_kib << 10,
        most_of_body=settings.max_body_mib << 20,
    )
    if settings.api_key is not None:
        app.add_middleware(ApiKey, key=settings.api_key)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
        )
    if settings.root_path:
        app.add_middleware(RootPath, root_path=settings.root_path)
    return app
