"""The models of the server.

They are loaded when a request needs them, and unloaded when others need the room.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Union

from .._errors import LlamaError
from .._serving.engine import Engine
from .engine_arguments import (
    engine_arguments,
    file_sizes,
    settings_arguments,
    warn_of_no_effect,
)
from .errors import ServerError, busy
from .settings import ModelSettings, ServerSettings


class _Loaded:
    """An engine in memory, or on its way there.

    Attributes:
        engine: resolves to the engine.
        users: requests that hold it; it stays as long as there are any.
        size: bytes of its files; 0 before it is loaded.
        last_used: time.monotonic() of the last request.
    """

    def __init__(self) -> None:
        self.engine: Future[Engine] = Future()
        self.users = 0
        self.size = 0
        self.last_used = time.monotonic()

    @property
    def is_ready(self) -> bool:
        return self.engine.done() and self.engine.exception() is None


class Lease:
    """An engine that is not unloaded before release().

    Attributes:
        engine: the engine.
        alias: the model's name.
    """

    def __init__(self, alias: str, engine: Engine, at_release: Callable[[], None]) -> None:
        self.alias = alias
        self.engine = engine
        self._at_release: Optional[Callable[[], None]] = at_release

    def release(self) -> None:
        """Gives the engine back. Doing so again does nothing."""
        at_release, self._at_release = self._at_release, None
        if at_release is not None:
            at_release()


class LlamaProxy:
    """The models by name, and those of them that are in memory.

    A thread of its own loads and unloads them, one after another: the event loop goes on meanwhile.
    """

    def __init__(
        self,
        models: List[ModelSettings],
        server: Optional[ServerSettings] = None,
        make_engine: Callable[..., Engine] = Engine,
    ) -> None:
        """Checks the settings; no model is loaded yet.

        Args:
            models: the models; the first one is the default. Their names differ.
            server: limits, and rules for media.
            make_engine: called with the arguments of Engine().

        Raises:
            ValueError: there is no model, two have one name, or a setting is wrong.
        """
        if not models:
            raise ValueError("There is no model\nSet --model to the path of a GGUF file.")
        self._server = server if server is not None else ServerSettings()
        self._make_engine = make_engine
        self._models: Dict[str, ModelSettings] = {}
        for settings in models:
            if settings.name in self._models:
                raise ValueError(
                    f"Two models have the name {settings.name!r}\n"
                    "Set model_alias of one of them to another name."
                )
            settings_arguments(settings, self._server)
            self._models[settings.name] = settings
        self.default = models[0].name
        warn_of_no_effect(self._server, models)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._loaded: Dict[str, _Loaded] = {}
        self._waiting: Dict[str, int] = {}
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="llama-server-load")
        self._closed = False
        self.created = int(time.time())
        self.first_error: Optional[BaseException] = None

    # ---- the settings, as in llama-cpp-python

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._models))

    def __getitem__(self, model: str) -> Dict[str, Any]:
        return self._models[model].model_dump()

    def __setitem__(self, model: str, settings: Union[ModelSettings, str, bytes]) -> None:
        if isinstance(settings, (bytes, str)):
            settings = ModelSettings.model_validate_json(settings)
        self._models[model] = settings.model_copy(update={"model_alias": model})

    def settings_of(self, alias: str) -> ModelSettings:
        """Returns the settings of a model."""
        return self._models[alias]

    def alias_of(self, model: Optional[str]) -> str:
        """Returns the name of the model that a request means.

        A model's path is taken for its name: llama-cpp-python names models so.

        Raises:
            ServerError: there is no such model.
        """
        if model is None or model == "":
            return self.default
        if model in self._models:
            return model
        for alias, settings in list(self._models.items()):
            if settings.model == model:
                return alias
        if self._server.unknown_model == "default":
            return self.default
        raise ServerError(
            404,
            f"The model `{model[:200]}` does not exist; GET /v1/models lists those of this server",
            code="model_not_found",
            param="model",
            kind="invalid_request_error",
        )

    # ---- requests

    async def lease(self, alias: str, *, counts: bool = False) -> Lease:
        """Waits for the model to be loaded, and holds it.

        Args:
            alias: the name of a model.
            counts: whether the request needs a slot, of which only so many wait.

        Raises:
            ServerError: the queue is full, or the model cannot be loaded.
        """
        if counts:
            self._enter(alias)
        try:
            loaded = self._hold(alias)
        except BaseException:
            self._leave(alias, counts)
            raise

        def release() -> None:
            self._give_back(loaded)
            self._leave(alias, counts)

        waiting = asyncio.wrap_future(loaded.engine)
        waiting.add_done_callback(_seen)
        try:
            engine = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            release()
            raise
        except Exception as error:
            release()
            raise _load_error(alias, error) from None
        return Lease(alias, engine, release)

    def ready(self) -> Dict[str, Engine]:
        """Returns the engines in memory, by name."""
        with self._lock:
            return {
                alias: loaded.engine.result()
                for alias, loaded in self._loaded.items()
                if loaded.is_ready
            }

    def states(self) -> Mapping[str, str]:
        """Returns for each model "loaded", "loading" or "unloaded"."""
        with self._lock:
            return {alias: _state(self._loaded.get(alias)) for alias in self._models}

    def preload(self, at_error: Callable[[BaseException], None]) -> None:
        """Begins to load the default model; `at_error` is called if that fails."""

        def report(future: Future[Engine]) -> None:
            error = future.exception()
            if error is not None and not self._closed:
                self.first_error = error
                at_error(error)

        loaded = self._hold(self.default)
        loaded.engine.add_done_callback(report)
        self._give_back(loaded)

    def free(self) -> None:
        """Unloads all models: their requests end. Nothing can be loaded afterwards.

        A model that loads at this moment is unloaded as soon as it is there.
        """
        with self._lock:
            self._closed = True
            loaded = list(self._loaded.values())
            self._loaded.clear()
            self._changed.notify_all()
        self._loader.shutdown(wait=False)
        for each in loaded:
            if each.is_ready:
                each.engine.result().close()

    # ---- who holds which engine

    def _enter(self, alias: str) -> None:
        most = self._models[alias].n_parallel + self._server.max_queue
        with self._lock:
            if self._waiting.get(alias, 0) >= most:
                raise busy(
                    f"{most} requests for the model `{alias}` are running or waiting: the queue is"
                    " full"
                )
            self._waiting[alias] = self._waiting.get(alias, 0) + 1

    def _leave(self, alias: str, counts: bool) -> None:
        if counts:
            with self._lock:
                self._waiting[alias] -= 1

    def _hold(self, alias: str) -> _Loaded:
        with self._lock:
            if self._closed:
                raise busy("The server is stopping")
            loaded = self._loaded.get(alias)
            if loaded is None:
                loaded = self._loaded[alias] = _Loaded()
                self._loader.submit(self._load, alias, loaded)
            loaded.users += 1
            loaded.last_used = time.monotonic()
            return loaded

    def _give_back(self, loaded: _Loaded) -> None:
        with self._lock:
            loaded.users -= 1
            loaded.last_used = time.monotonic()
            self._changed.notify_all()

    # ---- in the loader's thread

    def _load(self, alias: str, loaded: _Loaded) -> None:
        try:
            if self._closed:
                raise busy("The server is stopping")
            arguments = engine_arguments(self._models[alias], self._server)
            size = file_sizes(arguments)
            self._make_room(size)
            engine = self._make_engine(**arguments)
        except BaseException as error:
            print(f"The model {alias} cannot be loaded: {error}", file=sys.stderr, flush=True)
            with self._lock:
                if self._loaded.get(alias) is loaded:
                    del self._loaded[alias]
            loaded.engine.set_exception(error)
            return
        with self._lock:
            loaded.size = size
            closed = self._closed
        if closed:
            engine.close()
            loaded.engine.set_exception(busy("The server is stopping"))
        else:
            loaded.engine.set_result(engine)

    def _make_room(self, size: int) -> None:
        """Unloads models until one more of `size` bytes is within the limits."""
        limit = self._server.max_memory_mib
        most = float("inf") if limit is None else limit << 20
        if size > most:
            raise ValueError(
                f"Its files have {size >> 20} MiB, and max_memory_mib is {limit}\n"
                "Set max_memory_mib to more."
            )
        while True:
            with self._lock:
                others = {a: each for a, each in self._loaded.items() if each.is_ready}
                used = sum(each.size for each in others.values())
                if len(others) < self._server.max_models and used + size <= most:
                    return
                # An idle one, else the one unused for longest. Its next request loads it again.
                alias = min(others, key=lambda a: (others[a].users > 0, others[a].last_used))
                leaving = self._loaded.pop(alias)
                while leaving.users and not self._closed:
                    self._changed.wait()
            leaving.engine.result().close()


def _seen(future: asyncio.Future[Engine]) -> None:
    """Asyncio reports errors that nobody looks at, as after a client went away."""
    if not future.cancelled():
        future.exception()


def _state(loaded: Optional[_Loaded]) -> str:
    if loaded is None:
        return "unloaded"
    return "loaded" if loaded.is_ready else "loading"


def _load_error(alias: str, error: Exception) -> ServerError:
    """Returns an error without the reason, which names files of the server; its log has it."""
    if isinstance(error, ServerError):
        return error
    known = isinstance(error, (LlamaError, ValueError, OSError, ImportError))
    return ServerError(
        500,
        f"The model `{alias}` cannot be loaded; the server's log has the reason",
        code="model_load_failed" if known else None,
    )
