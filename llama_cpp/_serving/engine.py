"""`Engine`: one model that serves many requests at once, by llama.cpp's own scheduler."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import threading
import weakref
from functools import partial
from typing import (
    Any,
    AsyncIterator,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    Set,
    Union,
)

from .._engine.speculative_options import SpeculativeOptions
from .._errors import ClosedError, ModelLoadError, StateError
from .._logger import set_verbose
from . import native
from .answers import Answer, AsyncAnswer, Item, Running
from .batches import in_parallel
from .errors import error_of
from .events import events, events_async
from .metrics import parsed
from .options import EngineOptions

Json = Dict[str, Any]


class Engine:
    """A model with slots: as many requests as there are slots are computed together.

    Every method may be called by any number of threads. In a coroutine, where blocking would hold
    up the event loop, the methods return an awaitable, and with stream=True an asynchronous
    iterator: ``await engine.chat(...)``, ``async for chunk in engine.chat(..., stream=True)``.

    Requests and responses are OpenAI's, as llama-server has them; further keywords go into the
    request: sampling by llama.cpp's names, ``tools``, ``response_format``, ``lora``,
    ``chat_template_kwargs``, ``cache_prompt`` and others.

    A request ends within a token when its stream is closed, its task is cancelled, or Ctrl-C
    interrupts its thread.

    Attributes:
        model_path: The model's file.
        n_parallel: The number of slots.
    """

    def __init__(
        self,
        model_path: str,
        *,
        n_parallel: int = 4,
        n_ctx: int = 4096,
        n_batch: int = 2048,
        n_ubatch: int = 512,
        n_threads: Optional[int] = None,
        n_threads_batch: Optional[int] = None,
        n_gpu_layers: Union[int, Literal["auto"]] = 0,
        devices: Optional[Union[str, Sequence[str]]] = None,
        rpc_servers: Optional[Union[str, Sequence[str]]] = None,
        embedding: bool = False,
        pooling: Optional[Literal["none", "mean", "cls", "last", "rank"]] = None,
        kv_unified: bool = False,
        flash_attn: Optional[bool] = None,
        type_k: Optional[str] = None,
        type_v: Optional[str] = None,
        mmproj_path: Optional[str] = None,
        loras: Optional[Mapping[str, float]] = None,
        chat_template: Optional[str] = None,
        chat_template_kwargs: Optional[Mapping[str, Any]] = None,
        cache_ram_mib: int = 2048,
        slot_save_path: Optional[str] = None,
        model_alias: Optional[str] = None,
        draft_model: Union[SpeculativeOptions, str, None] = None,
        media_policy: Any = None,
        options: Sequence[str] = (),
        verbose: bool = False,
    ) -> None:
        """Loads a model.

        Args:
            model_path: the GGUF file.
            n_parallel: slots: requests that are computed together; others wait for one.
            n_ctx: tokens of each slot; 0: as trained, for all together.
            n_batch: most tokens per call of llama.cpp, of all slots together.
            n_ubatch: most tokens per computation; with embedding=True it is n_batch.
            n_threads: threads for generating; default the cores that the process may use.
            n_threads_batch: threads for reading prompts; default the same.
            n_gpu_layers: layers on the GPU; "auto": as many as fit.
            devices: names of devices, as devices() has them; "none" for the CPU alone.
            rpc_servers: machines that run ``python -m llama_cpp rpc-server``, "host:port" each,
                whose devices are used too, before the others. Nothing is encrypted: docs/rpc.md.
            embedding: serve embed() (or with pooling="rank" rerank()) instead of texts.
            pooling: how token embeddings become one.
            kv_unified: one pool of n_ctx * n_parallel tokens instead of n_ctx for each slot; always
                with embedding=True.
            flash_attn: None lets llama.cpp decide.
            type_k: type of the K cache, such as "q8_0".
            type_v: type of the V cache.
            mmproj_path: the projector with which the model reads images and sounds.
            loras: LoRA adapters: path -> scale; a request may change it (``lora``).
            chat_template: a template instead of the model's own, or the name of one of llama.cpp's.
            chat_template_kwargs: keywords for the template, in all requests.
            cache_ram_mib: memory for prompts of slots that are needed for others.
            slot_save_path: directory of saved slots; default they cannot be saved.
            model_alias: name of the model in answers.
            draft_model: guesses tokens ahead: the path of a draft model, a name such as
                "ngram-simple" or "mtp", or SpeculativeOptions. metrics() counts them
                (``spec_decode_...``).
            media_policy: addresses that images and sounds of requests may come from, and their
                limits; default a MediaPolicy(), which takes `https:` and `data:` URLs.
            options: further options of llama-server, as on its command line.
            verbose: show llama.cpp's messages.

        Raises:
            ModelLoadError: the file is missing or cannot be loaded, or an option is wrong.
            RemoteServerError: one of rpc_servers cannot be reached.
        """
        if n_parallel < 1:
            raise ValueError(f"n_parallel has to be at least 1, not {n_parallel}")
        self.model_path = os.fspath(model_path)
        self.n_parallel = n_parallel
        self.media_policy = media_policy
        set_verbose(verbose)
        chosen = EngineOptions(
            self.model_path,
            n_parallel,
            n_ctx,
            n_batch,
            n_ubatch,
            n_threads,
            n_threads_batch,
            n_gpu_layers,
            devices,
            rpc_servers,
            embedding,
            pooling,
            kv_unified,
            flash_attn,
            type_k,
            type_v,
            mmproj_path,
            loras or {},
            chat_template,
            chat_template_kwargs or {},
            cache_ram_mib,
            slot_save_path,
            model_alias,
            draft_model,
            options,
        )
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._running: Set[Running] = set()
        self._engine: Optional[int] = _interruptible(
            partial(native.load, chosen.command_line(), chosen.device_addresses()), native.stop
        )
        _open_engines.add(self)
        if draft_model is not None:
            self._require_drafts()

    def _require_drafts(self) -> None:
        """Closes the engine with ModelLoadError if llama.cpp goes on without drafts."""
        slots = self.slots()
        if not slots[0]["speculative"]:
            self.close()
            raise ModelLoadError(
                "llama.cpp cannot use draft_model with this model: the vocabularies differ, or the"
                " model cannot take tokens back\n"
                "Engine(..., verbose=True) shows its reason."
            )

    # ---- requests

    def chat(self, messages: List[Any], *, stream: bool = False, **request: Any) -> Any:
        """Answers a chat: OpenAI's chat completion, or an iterator of its chunks."""
        return self._ask(
            "POST /v1/chat/completions", {"messages": messages, "stream": stream, **request}
        )

    def complete(
        self, prompt: Union[str, List[Any]], *, stream: bool = False, **request: Any
    ) -> Any:
        """Continues a text, or tokens: OpenAI's completion, or an iterator of its chunks."""
        return self._ask("POST /v1/completions", {"prompt": prompt, "stream": stream, **request})

    def infill(
        self, input_prefix: str, input_suffix: str, *, stream: bool = False, **request: Any
    ) -> Any:
        """Fills in the gap between two texts; the model needs tokens for it."""
        return self._ask(
            "POST /infill",
            {
                "input_prefix": input_prefix,
                "input_suffix": input_suffix,
                "stream": stream,
                **request,
            },
        )

    def embed(self, input: Union[str, List[Any]], **request: Any) -> Any:
        """Returns OpenAI's embeddings of texts. The engine has embedding=True."""
        return self._ask("POST /v1/embeddings", {"input": input, **request})

    def rerank(self, query: str, documents: List[str], **request: Any) -> Any:
        """Returns how well documents answer a query. The engine has pooling="rank"."""
        return self._ask("POST /v1/rerank", {"query": query, "documents": documents, **request})

    def tokenize(self, content: str, **request: Any) -> Any:
        """Returns ``{"tokens": [...]}``; ``add_special=True`` adds BOS."""
        return self._ask("POST /tokenize", {"content": content, **request})

    def detokenize(self, tokens: List[int]) -> Any:
        """Returns ``{"content": text}``."""
        return self._ask("POST /detokenize", {"tokens": tokens})

    def apply_template(self, messages: List[Any], **request: Any) -> Any:
        """Returns ``{"prompt": text}``, the prompt of a chat."""
        return self._ask("POST /apply-template", {"messages": messages, **request})

    def batch(
        self,
        requests: Iterable[Union[Mapping[str, Any], Sequence[Any]]],
        *,
        progress: bool = False,
    ) -> List[Any]:
        """Answers chats, as many at once as there are slots.

        Args:
            requests: arguments of chat(), or messages alone.
            progress: show a bar, if the package tqdm is installed.

        Returns:
            The answers, in the order of the requests.
        """
        bodies = [
            dict(request) if isinstance(request, Mapping) else {"messages": request}
            for request in requests
        ]
        calls = [
            partial(self._wait, "POST /v1/chat/completions", {**body, "stream": False})
            for body in bodies
        ]
        return in_parallel(calls, self.n_parallel, progress)

    # ---- the engine itself

    def metrics(self) -> Dict[str, float]:
        """Returns llama.cpp's counters by name, such as ``tokens_predicted_total``."""
        return parsed(self._get("GET /metrics").decode())

    def slots(self) -> List[Json]:
        """Returns the state of each slot."""
        return json.loads(self._get("GET /slots"))

    def props(self) -> Json:
        """Returns the properties of the model and of the default request."""
        return json.loads(self._get("GET /props"))

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._engine is None

    def close(self) -> None:
        """Ends all requests, and frees the model. Closing again does nothing."""
        with self._lock:
            engine, self._engine = self._engine, None
            running = list(self._running)
        if engine is None or os.getpid() != self._process:
            return
        for each in running:
            if _exit_thread is not None:
                each.forget()  # see _stay_away_if_exiting()
            each.cancel()
        for each in running:
            each.join()
        native.stop(engine)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_engine", None) is not None:
            self.close()

    # ---- how a request runs

    def starter(
        self,
        route: str,
        body: bytes,
        parameters: Optional[Mapping[str, str]] = None,
        files: Optional[Mapping[str, Any]] = None,
    ) -> Callable[[Callable[[Item], None]], Running]:
        """Returns a function that begins a request of a route, for Answer and AsyncAnswer.

        Args:
            route: one of those in native/engine/engine.cpp, such as "POST /tokenize".
            body: JSON.
            parameters: of the path and the query.
            files: of a form: field -> (file name, bytes).

        Raises:
            KeyError: there is no such route.
            ClosedError: the engine is closed.
        """

        def start(put: Callable[[Item], None]) -> Running:
            try:
                return begin(put)
            except ClosedError:
                _stay_away_if_exiting()
                raise

        def begin(put: Callable[[Item], None]) -> Running:
            with self._lock:
                if os.getpid() != self._process:
                    raise StateError(
                        "This Engine was created before fork(), which leaves its threads behind\n"
                        "Create one in each process."
                    )
                if self._engine is None:
                    raise ClosedError("This Engine is closed; create a new one to go on")
                call = native.Call(self._engine, route)
                for name, value in (parameters or {}).items():
                    call.set(name, value)
                for name, (filename, data) in (files or {}).items():
                    call.add_file(name, filename, data)
                running = Running(call, body, put, self._running.discard)
                self._running.add(running)
                running.begin()
                return running

        return start

    def _get(self, route: str) -> bytes:
        return Answer(self.starter(route, b"")).body()

    def _ask(self, route: str, request: Json) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._stream(route, request) if _streams(request) else self._wait(route, request)
        if _streams(request):
            return self._stream_async(route, request)
        return self._wait_async(route, request)

    def _body(self, request: Json) -> bytes:
        """Returns a request as JSON, checked. Loading its images and sounds may take long."""
        from .request_grammars import with_checked_grammars
        from .request_media import with_files

        checked = with_checked_grammars(request)
        return json.dumps(with_files(checked, self.media_policy)).encode()

    async def _body_async(self, request: Json) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(None, self._body, request)

    def _wait(self, route: str, request: Json) -> Json:
        answer = Answer(self.starter(route, self._body(request)))
        return _decoded(answer.head.status, answer.body())

    async def _wait_async(self, route: str, request: Json) -> Json:
        body = await self._body_async(request)
        answer = await AsyncAnswer.start(self.starter(route, body))
        return _decoded(answer.head.status, await answer.body())

    def _stream(self, route: str, request: Json) -> Iterator[Json]:
        answer = Answer(self.starter(route, self._body(request)))
        if not answer.head.is_stream:
            return iter([_decoded(answer.head.status, answer.body())])
        return events(answer.pieces())

    async def _stream_async(self, route: str, request: Json) -> AsyncIterator[Json]:
        body = await self._body_async(request)
        answer = await AsyncAnswer.start(self.starter(route, body))
        if not answer.head.is_stream:
            yield _decoded(answer.head.status, await answer.body())
            return
        async for event in events_async(answer.pieces()):
            yield event


def _streams(request: Json) -> bool:
    return bool(request.get("stream"))


def _decoded(status: int, body: bytes) -> Json:
    if status >= 400 or status == 0:
        raise error_of(status, body)
    return json.loads(body)


def _interruptible(work: Callable[[], int], undo: Callable[[int], None]) -> int:
    """Returns the result of a long call. If Ctrl-C comes first the result is undone later."""
    results: List[Any] = []
    gone = threading.Event()
    done = threading.Event()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)
        done.set()
        if gone.is_set() and isinstance(results[0], int):
            undo(results[0])

    threading.Thread(target=run, name="llama-engine-load", daemon=True).start()
    try:
        done.wait()
    except BaseException:
        gone.set()
        raise
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


_open_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


_exit_thread: Optional[int] = None  # the thread that ends the interpreter, once it does


@atexit.register
def _close_all() -> None:
    global _exit_thread
    _exit_thread = threading.get_ident()
    for engine in list(_open_engines):
        engine.close()


def _stay_away_if_exiting() -> None:
    """Does not return while another thread ends the interpreter.

    Only daemon threads are left then, and Python stops them soon. One that prints an error while
    standard error is closed would end the process by abort().
    """
    if _exit_thread not in (None, threading.get_ident()):
        threading.Event().wait()


__all__ = ["Engine"]
