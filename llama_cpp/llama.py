"""The high-level API: :class:`Llama` loads a model and generates text, chat answers, embeddings.

A Llama may be used from several threads. Whole completions run one after another. A stream or a
``generate()`` loop lets others in between two tokens; when one of those starts a generation of its
own, the older one raises OvertakenError at its next step.
"""

from __future__ import annotations

import difflib
import inspect
import operator
import os
import sys
import threading
import warnings
from collections import deque
from typing import (
    Any,
    Callable,
    Deque,
    Dict,
    Generator,
    Iterator,
    List,
    Literal,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np
import numpy.typing as npt

import llama_cpp.llama_chat_format as llama_chat_format
import llama_cpp.llama_cpp as llama_cpp

from . import _completion, _core, _embedding, _kinds, _loader, _paths, _sampling, llama_types
from ._arguments import checked, checked_chat
from ._errors import (
    ClosedError,
    ContextError,
    ContextOverflowError,
    LlamaError,
    OvertakenError,
    StateError,
)
from ._logger import set_verbose
from ._open_context import open_context
from ._paths import StrPath
from ._shared_generator import share
from ._utils import suppress_stdout_stderr
from .llama_cache import (
    BaseLlamaCache,
    LlamaCache,
    LlamaDiskCache,
    LlamaRAMCache,
    longest_token_prefix,
)
from .llama_grammar import LlamaGrammar
from .llama_speculative import LlamaDraftModel
from .llama_tokenizer import BaseLlamaTokenizer, LlamaTokenizer
from .llama_types import *  # noqa: F403
from .llama_types import (
    ChatCompletionFunction,
    ChatCompletionRequestFunctionCall,
    ChatCompletionRequestMessage,
    ChatCompletionRequestResponseFormat,
    ChatCompletionTool,
    ChatCompletionToolChoiceOption,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    CreateCompletionResponse,
    CreateCompletionStreamResponse,
    CreateEmbeddingResponse,
)

_ALL_LAYERS = 0x7FFFFFFF
# Arguments of Llama() that ContextParams has under the same name; None leaves llama.cpp's default.
_CONTEXT_ARGUMENTS = (
    "pooling_type",
    "attention_type",
    "rope_freq_base",
    "rope_freq_scale",
    "yarn_ext_factor",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
    "yarn_orig_ctx",
    "offload_kqv",
    "no_perf",
)
_OPTIONAL_CONTEXT_ARGUMENTS = ("rope_scaling_type", "op_offload", "swa_full", "type_k", "type_v")
_PICKLED_ATTRIBUTES = ("sampling_extras", "chat_template_kwargs")
_See = Callable[[int, int], None]
_TopLogprobs = Tuple[float, List[Tuple[int, float]]]
# Once parameters of llama-cpp-python's Llama, by its history, and without a meaning today: memory
# and kernels that llama.cpp chooses itself (f16_kv and n_parts until 2023, low_vram until 0.2.5,
# mul_mat_q until 0.2.53), or numbers that are in every GGUF file (n_gqa, rms_norm_eps).
_NO_LONGER_NEEDED = frozenset(
    ("f16_kv", "low_vram", "mul_mat_q", "n_gqa", "n_parts", "rms_norm_eps")
)
_MAX_OVERRIDE_BYTES = 128  # of a string in kv_overrides: llama.h's val_str
_LOGITS_BYTES = 1 << 24  # most memory for the logits of one call of llama.cpp
_MOST_STATES = 8  # sequences of a recurrent model, of which each has a state, however short


class Llama:
    """A model with one context: generates text, answers chats, computes embeddings.

    Beside the constructor's arguments these attributes may be set at any time:

    * ``sampling_extras`` (dict): sampling parameters of llama.cpp that the methods have no argument
      for, by llama.cpp's names, for every generation: ``{"dry_multiplier": 0.8}``,
      ``{"xtc_probability": 0.5}``, ``{"top_n_sigma": 1.0}``, ``{"samplers": ["top_k", ...]}``...
    * ``chat_template_kwargs`` (dict): keyword arguments of every chat handler call; those that the
      handler does not know reach the chat template: ``{"enable_thinking": False}``.
    """

    @checked
    def __init__(
        self,
        model_path: str,
        *,
        # Model
        n_gpu_layers: Union[int, Literal["auto"]] = 0,
        split_mode: int = llama_cpp.LLAMA_SPLIT_MODE_LAYER,
        main_gpu: int = 0,
        tensor_split: Optional[List[float]] = None,
        vocab_only: bool = False,
        use_mmap: bool = True,
        use_mlock: bool = False,
        kv_overrides: Optional[Dict[str, Union[bool, int, float, str]]] = None,
        # Context
        seed: int = llama_cpp.LLAMA_DEFAULT_SEED,
        n_ctx: int = 512,
        n_batch: int = 512,
        n_ubatch: int = 512,
        n_threads: Optional[int] = None,
        n_threads_batch: Optional[int] = None,
        rope_scaling_type: Optional[int] = llama_cpp.LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED,
        pooling_type: int = llama_cpp.LLAMA_POOLING_TYPE_UNSPECIFIED,
        attention_type: int = llama_cpp.LLAMA_ATTENTION_TYPE_UNSPECIFIED,
        rope_freq_base: float = 0.0,
        rope_freq_scale: float = 0.0,
        yarn_ext_factor: float = -1.0,
        yarn_attn_factor: float = 1.0,
        yarn_beta_fast: float = 32.0,
        yarn_beta_slow: float = 1.0,
        yarn_orig_ctx: int = 0,
        logits_all: bool = False,
        embedding: bool = False,
        offload_kqv: bool = True,
        flash_attn: bool = False,
        op_offload: Optional[bool] = None,
        swa_full: Optional[bool] = None,
        # Sampling
        no_perf: bool = False,
        last_n_tokens_size: int = 64,
        # LoRA
        lora_base: Optional[str] = None,
        lora_scale: float = 1.0,
        lora_path: Optional[str] = None,
        # Backend
        numa: Union[bool, int] = False,
        # Chat
        chat_format: Optional[str] = None,
        chat_handler: Optional[llama_chat_format.LlamaChatCompletionHandler] = None,
        # Speculative decoding
        draft_model: Optional[LlamaDraftModel] = None,
        # Tokenizer
        tokenizer: Optional[BaseLlamaTokenizer] = None,
        # KV cache
        type_k: Optional[int] = None,
        type_v: Optional[int] = None,
        # Other
        spm_infill: bool = False,
        verbose: bool = True,
        **kwargs,  # type: ignore
    ):
        """Load a GGUF model.

        Args:
            model_path: the GGUF file (str, bytes or os.PathLike); of a split model its first part.
            n_gpu_layers: layers to keep on the GPU; negative means all. "auto" keeps all there that
                fit into its free memory together with the context, and none where there is no GPU.
            split_mode: how a model is split over GPUs, LLAMA_SPLIT_MODE_*.
            main_gpu: the GPU for what is not split (depends on split_mode).
            tensor_split: share of the model per GPU.
            vocab_only: load only the tokenizer; generating is impossible.
            use_mmap: map the file instead of reading it. Off when lora_path is given.
            use_mlock: keep the model from being swapped out.
            kv_overrides: replacements for metadata of the file: bool, int, float or str (at most
                128 bytes as UTF-8).
            seed: seed of the sampler; 0 and LLAMA_DEFAULT_SEED mean the default.
            n_ctx: context window in tokens; 0 means as trained.
            n_batch: most tokens per call of llama.cpp; at most n_ctx.
            n_ubatch: most tokens per computation; at most n_batch. With embedding=True it is
                n_batch, because llama.cpp cannot pool over several computations.
            n_threads: threads for generating; default the cores that the process may use.
            n_threads_batch: threads for reading prompts; default the same.
            rope_scaling_type: LLAMA_ROPE_SCALING_TYPE_*.
            pooling_type: how token embeddings become one, LLAMA_POOLING_TYPE_*.
            attention_type: LLAMA_ATTENTION_TYPE_*.
            rope_freq_base: RoPE base frequency; 0 means as in the model.
            rope_freq_scale: RoPE frequency factor; 0 means as in the model.
            yarn_ext_factor: YaRN mix of extrapolation; negative means as in the model.
            yarn_attn_factor: YaRN magnitude factor.
            yarn_beta_fast: YaRN low correction dimension.
            yarn_beta_slow: YaRN high correction dimension.
            yarn_orig_ctx: context that YaRN was trained with; 0 means as in the model.
            logits_all: `scores` has the logits of every token (n_ctx x n_vocab float32, of which
                only rows of evaluated tokens take memory, from the first look at it on). Always
                on with a draft_model; logprobs do not need it.
            embedding: compute embeddings (see embed()).
            offload_kqv: keep the KV cache and its operations on the GPU.
            flash_attn: True on, False off; None or "auto" lets llama.cpp decide.
            op_offload: run big operations of layers in RAM on the GPU; None as llama.cpp does.
            swa_full: full-size cache for sliding-window attention; None as llama.cpp does.
            no_perf: do not measure times.
            last_n_tokens_size: how many generated tokens the penalties look at.
            lora_base: has no effect; llama.cpp needs it no longer.
            lora_scale: weight of the adapter of lora_path.
            lora_path: a LoRA adapter in GGUF format; like model_path.
            numa: True distributes over NUMA nodes; or one of GGML_NUMA_STRATEGY_*.
            chat_format: name of a chat format; default is the template in the model file.
            chat_handler: what answers chats, instead of chat_format.
            draft_model: guesses tokens ahead, such as LlamaPromptLookupDecoding().
            tokenizer: replaces the model's own tokenizer.
            type_k: type of the K cache, GGML_TYPE_*; None means F16.
            type_v: type of the V cache; types other than F16 and F32 need flash_attn.
            spm_infill: order suffix, prefix, middle instead of prefix, suffix, middle in infill.
            verbose: show llama.cpp's messages; False shows errors only. Nothing is done to the
                process's file descriptors.
            kwargs: unknown arguments are ignored with a warning that names the nearest known one;
                parameters of llama-cpp-python's past that mean nothing today, in silence.

        Raises:
            ModelLoadError: the file is missing or cannot be loaded (a ValueError).
            ContextError: the context cannot be created with these arguments (a ValueError).
            BackendError: no CPU backend could be loaded when llama_cpp was imported.
        """
        arguments = dict(locals())
        _warn_about_unknown(kwargs)
        n_gpu_layers = _checked_layers(n_gpu_layers, tensor_split, split_mode)
        self._arguments = {
            name: value
            for name, value in arguments.items()
            if name not in ("self", "kwargs", "arguments")
        }
        self._lock = threading.RLock()
        self._epoch = 0
        self._lora_adapter: Optional[_core.LoraAdapter] = None
        self.verbose = verbose
        self.model_path = _paths.model_path(model_path)
        self.sampling_extras: Dict[str, Any] = {}
        self.chat_template_kwargs: Dict[str, Any] = {}

        _loader.require_backend()
        set_verbose(verbose)
        _core.backend_init()
        self.numa = _numa_strategy(numa)
        if self.numa != llama_cpp.GGML_NUMA_STRATEGY_DISABLED:
            _core.numa_init(self.numa)

        # Model
        self.tensor_split = tensor_split
        self.kv_overrides = kv_overrides
        self.model_params = _core.ModelParams()
        self.model_params.split_mode = split_mode
        self.model_params.main_gpu = main_gpu
        self.model_params.tensor_split = _checked_split(tensor_split)
        self.model_params.vocab_only = vocab_only
        self.model_params.load_mode = _load_mode(use_mmap and lora_path is None, use_mlock)
        self.model_params.kv_overrides = _checked_overrides(kv_overrides)
        if n_gpu_layers == "auto" and (vocab_only or not _core.supports_gpu_offload()):
            n_gpu_layers = 0
        elif n_gpu_layers != 0 and not _core.supports_gpu_offload():
            warnings.warn(
                f"n_gpu_layers={n_gpu_layers}, but this installation of llama_cpp sees no GPU:"
                " everything runs on the CPU. `python -m llama_cpp info` lists what it sees",
                stacklevel=3,
            )
        for name, value in (("n_ctx", n_ctx), ("n_batch", n_batch - 1), ("n_ubatch", n_ubatch - 1)):
            if value < 0:
                raise ContextError(f"{name} is too small: {self._arguments[name]}")
        _paths.check_exists(self.model_path)
        if n_gpu_layers == "auto":
            self.model_params = _core.fit_to_devices(
                self.model_path, self.model_params, self._make_context_params(n_ctx)
            )
        else:
            self.model_params.n_gpu_layers = _ALL_LAYERS if n_gpu_layers == -1 else n_gpu_layers
        self._model: Any = _core.Model(self.model_path, self.model_params)
        self.metadata: Dict[str, str] = self._model.metadata()
        self._is_recurrent = self._model.is_recurrent
        self._is_hybrid = self._model.is_hybrid
        self._n_vocab = self._model.n_vocab
        self._token_nl = self._model.token_nl
        self._token_eos = self._model.token_eos

        # Context
        n_ctx = n_ctx or self._model.n_ctx_train or 512
        self.context_params = self._make_context_params(n_ctx)
        self.n_batch = self.context_params.n_batch
        self._rows_at_once = max(1, min(self.n_batch, _LOGITS_BYTES // (4 * self._n_vocab or 1)))
        if not embedding:  # which is computed for all tokens
            self.context_params.n_outputs_max = self._rows_at_once
        if self._is_recurrent or self._is_hybrid:
            self.context_params.n_seq_max = min(self.context_params.n_seq_max, _MOST_STATES)
        self.n_threads = self.context_params.n_threads
        self.n_threads_batch = self.context_params.n_threads_batch
        self._ctx: Any = _NoContext()
        if not vocab_only:
            self._model, self._ctx = open_context(
                self._model, self.model_params, self.context_params
            )
        self._n_ctx = n_ctx if vocab_only else self._ctx.n_ctx

        # LoRA
        self.lora_base = lora_base
        self.lora_scale = lora_scale
        self.lora_path = lora_path
        if lora_path:
            self._apply_lora(lora_path, lora_scale)

        # What has been evaluated
        self._logits_all = logits_all or draft_model is not None
        self.n_tokens = 0
        self._requires_eval = True  # the context holds no logits to sample from
        self.input_ids: npt.NDArray[np.intc] = np.zeros(self._n_ctx, dtype=np.intc)
        self._score_rows: Optional[npt.NDArray[np.single]] = None
        self._n_scored = 0  # how many of them are those of the evaluated tokens
        self._last_score: Tuple[List[int], int, List[_TopLogprobs]] = ([], 0, [])

        # Generation
        self._seed = seed or llama_cpp.LLAMA_DEFAULT_SEED
        self.last_n_tokens_size = last_n_tokens_size
        self.spm_infill = spm_infill
        self.draft_model = draft_model
        self.tokenizer_ = tokenizer or LlamaTokenizer(self)
        self.cache: Optional[BaseLlamaCache] = None

        # Chat
        self.chat_format = chat_format
        self.chat_handler = chat_handler
        self._chat_handlers = llama_chat_format.handlers_from_model(self._model, self.metadata)
        self._default_format = self._default_chat_format()
        if chat_format is None and chat_handler is None:
            self.chat_format = self._default_format

        if verbose:
            print(_core.system_info(), file=sys.stderr)
            print(f"Model metadata: {self.metadata}", file=sys.stderr)
            print(f"Chat format: {self.chat_format}", file=sys.stderr)

    def _make_context_params(self, n_ctx: int) -> Any:
        """The constructor's arguments for a context; `n_ctx` of 0 is the context as trained."""
        given = self._arguments
        params = _core.ContextParams()
        params.n_ctx = n_ctx
        params.n_batch = min(n_ctx, given["n_batch"]) if n_ctx else given["n_batch"]
        params.n_ubatch = min(params.n_batch, given["n_ubatch"])
        params.n_threads = given["n_threads"] or _default_threads()
        params.n_threads_batch = given["n_threads_batch"] or _default_threads()
        for name in _CONTEXT_ARGUMENTS:
            setattr(params, name, given[name])
        for name in _OPTIONAL_CONTEXT_ARGUMENTS:
            if given[name] is not None:
                setattr(params, name, given[name])
        params.flash_attn_type = _flash_attn_type(given["flash_attn"])
        if given["embedding"]:
            params.embeddings = True
            params.n_ubatch = params.n_batch
            params.n_seq_max = min(params.n_batch, _core.max_parallel_sequences())
            params.kv_unified = True
        return params

    def _apply_lora(self, path: StrPath, scale: float) -> None:
        try:
            self._lora_adapter = _core.LoraAdapter(self._model, path)
            self._ctx.set_lora(self._lora_adapter, scale)
        except LlamaError as error:
            raise RuntimeError(
                f"Failed to initialize LoRA adapter from lora path: {_paths.shown(path)}\n{error}"
            ) from error

    def _default_chat_format(self) -> str:
        """The format of the template in the model file, by a well-known name if it has one."""
        default = llama_chat_format.DEFAULT_TEMPLATE
        if default not in self._chat_handlers:
            return "llama-2"
        known = llama_chat_format.guess_chat_format_from_gguf_metadata(self.metadata)
        if known is not None:  # same prompts, but the template's handler also parses tool calls
            self._chat_handlers[known] = self._chat_handlers[default]
        return known or default

    # ---- what the model and context are

    @property
    def ctx(self) -> Any:
        """The native context (``llama_cpp._core.Context``)."""
        return self._ctx

    @property
    def model(self) -> Any:
        """The native model (``llama_cpp._core.Model``)."""
        return self._model

    def n_ctx(self) -> int:
        """Return the context window in tokens."""
        return self._n_ctx

    def n_embd(self) -> int:
        """Return the length of the model's hidden state."""
        return self._model.n_embd

    def n_vocab(self) -> int:
        """Return the number of tokens in the vocabulary."""
        return self._model.n_vocab

    def token_eos(self) -> int:
        """Return the end-of-sequence token, -1 if there is none."""
        return self._model.token_eos

    def token_bos(self) -> int:
        """Return the beginning-of-sequence token, -1 if there is none."""
        return self._model.token_bos

    def token_nl(self) -> int:
        """Return the newline token, -1 if there is none."""
        return self._model.token_nl

    def pooling_type(self) -> str:
        """Return how embeddings are pooled, one of LLAMA_POOLING_TYPE_* (an int)."""
        return self._context().pooling_type

    def _context(self) -> Any:
        if self._ctx.closed:
            raise ClosedError("This Llama is closed; create a new one to go on")
        return self._ctx

    # ---- tokens

    def tokenizer(self) -> LlamaTokenizer:
        """Return the tokenizer in the model file; the active one is ``tokenizer_``."""
        return LlamaTokenizer(self)

    @checked
    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> List[int]:
        """Turn UTF-8 text into tokens.

        `add_bos` adds what the model wants around a text; `special` turns text like ``</s>`` into
        the control token of that name. Raises TokenizeError (a ValueError) for invalid text.
        """
        return self.tokenizer_.tokenize(text, add_bos, special)

    @checked
    def detokenize(
        self, tokens: List[int], prev_tokens: Optional[List[int]] = None, special: bool = False
    ) -> bytes:
        """Turn tokens into UTF-8 text, which may begin or end within a character.

        `special` shows control tokens; `prev_tokens` are the tokens before them, for tokenizers
        whose text depends on those.
        """
        _kinds.in_vocabulary("tokens", tokens, self._n_vocab)
        return self.tokenizer_.detokenize(tokens, prev_tokens=prev_tokens, special=special)

    # ---- settings

    @checked
    def set_cache(self, cache: Optional[BaseLlamaCache]):
        """Use `cache` to keep evaluated prompts across completions; None for no cache."""
        self.cache = cache

    @checked
    def set_seed(self, seed: int):
        """Set the seed of the next generation."""
        self._seed = seed

    # ---- evaluated tokens and their logits

    @property
    def scores(self) -> npt.NDArray[np.single]:
        """Logits, one row per evaluated token; filled only with logits_all=True.

        Rows are computed when they are asked for, and from then on with their tokens.
        """
        with self._lock:
            needed = self.n_tokens if self._logits_all else 0
            rows = self._reserve_scores(needed)
            if self._n_scored < needed:
                self._compute_scores()
            return rows

    @scores.setter
    def scores(self, rows: npt.NDArray[np.single]) -> None:
        self._score_rows = rows
        self._n_scored = self.n_tokens

    def _reserve_scores(self, needed: int) -> npt.NDArray[np.single]:
        """Returns the array of logits, with `needed` rows at least."""
        rows = self._score_rows
        if rows is None or len(rows) < needed:
            most = self._n_ctx if self._logits_all else self.n_batch
            try:  # the system gives memory to rows that are written to
                self._score_rows = np.zeros((most, self._n_vocab), dtype=np.single)
            except MemoryError:  # unless it does not even promise so much
                count = min(most, needed + needed // 2 + 16)
                self._score_rows = np.zeros((count, self._n_vocab), dtype=np.single)
            if rows is not None:
                self._score_rows[: len(rows)] = rows
            rows = self._score_rows
        return rows

    def _compute_scores(self) -> None:
        """Evaluates the tokens again whose logits are not there."""
        tokens = self.input_ids[: self.n_tokens].copy()
        self.n_tokens = self._n_scored
        self._eval(tokens[self.n_tokens :], self._context().n_outputs)

    def _keep_scores(self, begin: int, count: int) -> None:
        """Copies the logits of the last evaluation, of tokens from `begin` on."""
        self._reserve_scores(begin + count)[begin : begin + count] = self._ctx.logits_all()
        self._n_scored = begin + count

    @property
    def _input_ids(self) -> npt.NDArray[np.intc]:
        return self.input_ids[: self.n_tokens]

    @property
    def _scores(self) -> npt.NDArray[np.single]:
        return self.scores[: self.n_tokens, :]

    @property
    def eval_tokens(self) -> Deque[int]:
        """The evaluated tokens."""
        return deque(self._input_ids.tolist(), maxlen=self._n_ctx)

    @property
    def eval_logits(self) -> Deque[List[float]]:
        """The logits of the evaluated tokens; only with logits_all=True."""
        most = self._n_ctx if self._logits_all else 1
        return deque(self._scores[-most:].tolist(), maxlen=most)

    def reset(self):
        """Forget the evaluated tokens."""
        with self._lock:
            self._epoch += 1
            self.n_tokens = 0
            self._requires_eval = True
            if self._is_recurrent or self._is_hybrid:
                self._context().memory_clear(True)

    @checked
    def eval(self, tokens: Sequence[int]):
        """Evaluate tokens after those evaluated before.

        Raises ContextOverflowError (a ValueError) when they do not fit into the context.
        """
        _kinds.in_vocabulary("tokens", tokens, self._n_vocab)
        with self._lock:
            self._epoch += 1
            self._eval(tokens)

    def _eval(self, tokens: Sequence[int], n_rows: int = 1, see: Optional[_See] = None) -> None:
        """Evaluates tokens after those evaluated before.

        The context then holds the logits of the last `n_rows` of them. `see(begin, count)` is
        called when it holds those of the tokens at these positions, for all tokens in turn.
        """
        ctx = self._context()
        begin, end = self.n_tokens, self.n_tokens + len(tokens)
        if begin == end:
            return
        self._refuse_encoder_decoder()
        if end > self._n_ctx:
            raise ContextOverflowError(
                f"Requested tokens ({end}) exceed context window of {self._n_ctx}\n"
                "Call reset() to start again, or create the model with a larger n_ctx."
            )
        array = np.asarray(tokens, dtype=np.intc)
        self._n_scored = min(self._n_scored, begin)
        if see is None and self._score_rows is not None and self._logits_all:
            see = self._keep_scores if self._n_scored == begin else None
        self._requires_eval = True  # a signal handler may raise after decode()
        try:
            if not self._rewind(begin):
                ctx.memory_clear(True)
                ctx.decode(self.input_ids[:begin], 0, 0, 1)
            if see is not None:
                self._decode_seen(array, begin, max(n_rows, self._rows_at_once), see)
            elif n_rows == 1:
                ctx.decode(array, begin, 0, 1)
            else:
                self._decode_rows(array, begin, n_rows)
        except BaseException:
            self._forget()
            raise
        self.input_ids[begin:end] = array
        self.n_tokens = end
        self._requires_eval = False

    def _decode_rows(self, tokens: npt.NDArray[np.intc], begin: int, n_rows: int) -> None:
        """Evaluates tokens with the logits of the last `n_rows`."""
        split = max(0, len(tokens) - n_rows)
        if split:
            self._ctx.decode(tokens[:split], begin, 0, 0)
        self._ctx.decode(tokens[split:], begin + split, 0, 2)

    def _decode_seen(self, tokens: npt.NDArray[np.intc], begin: int, step: int, see: _See) -> None:
        """Evaluates `step` tokens at a time, the last time not fewer, and shows their logits."""
        start, stop = 0, len(tokens) % step or step
        while start < len(tokens):
            self._ctx.decode(tokens[start:stop], begin + start, 0, 2)
            see(begin + start, stop - start)
            start, stop = stop, stop + step

    def _score(self, tokens: List[int], k: int) -> List[_TopLogprobs]:
        """Evaluates a prompt; returns the log probability of each token but the first, and the `k`
        best ones in its place. Begins with what it shares with the prompt before."""
        last_tokens, last_k, last_found = self._last_score
        shared = longest_token_prefix(last_tokens, tokens) if k == last_k else 0
        kept = min(shared, longest_token_prefix(self._input_ids.tolist(), tokens)) - 1
        if kept > 0 and self._rewind(kept):
            self._epoch += 1
            self.n_tokens = kept
        else:
            self.reset()
        found = last_found[: self.n_tokens]

        def see(begin: int, count: int) -> None:
            for row, token in enumerate(tokens[begin + 1 : begin + count + 1]):
                found.append(_core.top_logprobs(self._ctx, row, token, k))

        self._eval(tokens[self.n_tokens :], see=see)
        self._last_score = (tokens, k, found)
        return found

    def _refuse_encoder_decoder(self) -> None:
        model = self._model
        if model.has_encoder and model.has_decoder:
            raise ContextError(
                "Llama cannot evaluate encoder-decoder models such as T5: it has no place for the"
                " encoder's input. An encoder alone (architecture t5encoder) can embed()"
            )

    def _rewind(self, n_tokens: int) -> bool:
        """Drop everything after the first `n_tokens`; False when this model cannot do that."""
        ctx = self._context()
        window = self._model.n_swa
        if window and 0 < n_tokens <= ctx.seq_pos_max(0):
            # The window may have dropped what the kept tokens attend to.
            kept = ctx.seq_pos_min(0) <= max(0, n_tokens - window)
            return kept and ctx.seq_rm(0, n_tokens, -1)
        return ctx.seq_rm(0, n_tokens, -1)

    def _forget(self) -> None:
        """After a failed evaluation nobody knows what the context holds."""
        self.n_tokens = 0
        self._requires_eval = True
        if not self._ctx.closed:
            self._ctx.memory_clear(False)

    # ---- tokens: sampling and generating

    @checked
    def sample(
        self,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        temp: float = 0.80,
        repeat_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_eta: float = 0.1,
        mirostat_tau: float = 5.0,
        penalize_nl: bool = True,
        logits_processor: Optional[LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
        idx: Optional[int] = None,
    ):
        """Draw one token from the logits of an evaluated token and return it.

        `idx` is the position of that token, default the last one; an earlier one needs
        logits_all=True. The penalties look at the last evaluated tokens. `tfs_z` and `penalize_nl`
        have no effect: llama.cpp no longer has them. Raises IndexError when there are no logits.
        """
        params = self._sampling_params(
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            temp=temp,
            repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            grammar=grammar,
        )
        with self._lock:
            if self.n_tokens == 0:
                raise IndexError("There are no logits to sample from: call eval(tokens) first")
            if idx is not None and not 0 <= idx < self.n_tokens:
                raise IndexError(
                    f"idx has to be the position of an evaluated token, from 0 to"
                    f" {self.n_tokens - 1}, not {idx}"
                )
            sampler = _core.Sampler(self._model, params)
            history = self._input_ids[max(0, self.n_tokens - self.last_n_tokens_size) :]
            sampler.accept_many(history, False)
            index = -1 if idx is None else idx - self.n_tokens
            if self._logits_all and index < -self._ctx.n_outputs:
                self._eval_again(-index)
            return self._sample(sampler, index, logits_processor)

    def _eval_again(self, n_rows: int) -> None:
        """Evaluates the last tokens again, for the logits of all of them."""
        tokens = self._input_ids[-n_rows:].copy()
        self.n_tokens -= n_rows
        self._eval(tokens, n_rows)

    def _sample(self, sampler: Any, index: int, processors: Optional[LogitsProcessorList]) -> int:
        """Draw from output row `index` (negative: from the end), through Python's processors."""
        if not processors:
            return sampler.sample(self._ctx, index)
        logits = self._ctx.logits(index)
        tokens = self.input_ids[: self.n_tokens + 1 + index]
        for processor in processors:
            logits = processor(tokens, logits)
        return sampler.sample_from_logits(np.ascontiguousarray(logits, dtype=np.single))

    def _sampling_params(self, **arguments: Any) -> _core.SamplingParams:
        extras = self.sampling_extras
        if extras:
            _sampling.check_extras(extras)
            extras = dict(extras)  # other threads may change them
        bias = arguments.get("logit_bias")
        if bias:
            _kinds.in_vocabulary("logit_bias", list(bias), self._n_vocab)
        return _sampling.make_params(
            seed=self._seed,
            last_n=self.last_n_tokens_size,
            extras=extras,
            **arguments,
        )

    @checked
    def generate(
        self,
        tokens: Sequence[int],
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        temp: float = 0.80,
        repeat_penalty: float = 1.0,
        reset: bool = True,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        penalize_nl: bool = True,
        logits_processor: Optional[LogitsProcessorList] = None,
        stopping_criteria: Optional[StoppingCriteriaList] = None,
        grammar: Optional[LlamaGrammar] = None,
    ) -> Generator[int, Optional[Sequence[int]], None]:
        """Generate tokens after a prompt, without end: stop at a token, or close the generator.

        What was evaluated before is reused as far as it agrees with `tokens` (reset=True), or kept
        as the beginning (reset=False). ``send(tokens)`` puts tokens into the context after the one
        just yielded. The penalties look at generated tokens only. A token is evaluated when the
        next one is asked for. `tfs_z` and `penalize_nl` have no effect.

        Args:
            tokens: the prompt.
            top_k: keep the k best tokens; 0 or less keeps all.
            top_p: keep the best tokens that have this probability together.
            min_p: drop tokens below this part of the best one's probability.
            typical_p: keep the most typical tokens with this probability together.
            temp: 0 takes the best token, negative draws from the plain distribution.
            repeat_penalty: divides the logits of tokens generated before.
            frequency_penalty: subtracted per occurrence.
            presence_penalty: subtracted once.
            mirostat_mode: 1 or 2 keeps the surprise at mirostat_tau; top_k, top_p, min_p,
                typical_p and temp then have no effect.
            mirostat_eta: mirostat's learning rate.
            logits_processor: functions (tokens, logits) -> logits, called in order.
            stopping_criteria: functions (tokens, logits) -> bool; the first True ends generation.
            grammar: only text that it admits is generated.

        Raises (at the first or a later step):
            ContextOverflowError: the context is full (a ValueError).
            OvertakenError: something else was evaluated on this Llama meanwhile.
        """
        params = self._sampling_params(
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            temp=temp,
            repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            grammar=grammar,
        )
        _kinds.in_vocabulary("tokens", tokens, self._n_vocab)
        return share(
            self._generate(tokens, params, reset, logits_processor, _any_of(stopping_criteria))
        )

    def _generate(
        self,
        tokens: Sequence[int],
        params: _core.SamplingParams,
        reset: bool,
        processors: Optional[LogitsProcessorList],
        criteria: Optional[StoppingCriteriaList],
    ) -> Generator[int, Optional[Sequence[int]], None]:
        if processors or criteria or self._logits_all or self.draft_model is not None:
            return self._generate_with_python(tokens, params, reset, processors, criteria)
        return self._generate_native(tokens, params, reset)

    def _begin(self, tokens: Sequence[int], reset: bool) -> int:
        """Evaluate what of a prompt is not evaluated yet; returns the epoch of this generation."""
        pending = list(tokens)
        if not pending and self.n_tokens == 0:
            raise ValueError("There is nothing to generate from: the prompt has no tokens")
        if reset:
            pending = self._reuse_prefix(pending)
        self._epoch += 1
        self._eval(pending)
        return self._epoch

    def _reuse_prefix(self, tokens: List[int]) -> List[int]:
        """Keep what is evaluated of `tokens`; returns the rest, which still has to be."""
        if self.n_tokens > 0:
            prefix = longest_token_prefix(self._input_ids.tolist(), tokens)
            if prefix == len(tokens) == self.n_tokens and not self._requires_eval:
                return []
            prefix = min(prefix, len(tokens) - 1)  # something must be evaluated to have logits
            if prefix > 0 and self._rewind(prefix):
                self.n_tokens = prefix
                self._requires_eval = True
                return tokens[prefix:]
        self.reset()
        return tokens

    def _check_epoch(self, epoch: int) -> None:
        if self._epoch != epoch:
            self._context()  # says so when it was close() that ended the generation
            raise OvertakenError(
                "This generation was overtaken: something else was evaluated on the same Llama."
                " Use one Llama per stream, or finish a stream before the next call"
            )

    def _generate_native(
        self, tokens: Sequence[int], params: _core.SamplingParams, reset: bool
    ) -> Generator[int, Optional[Sequence[int]], None]:
        """The fast loop: nothing but llama.cpp between two tokens."""
        lock, ids, sample_accept = self._lock, self.input_ids, _core.sample_accept
        with lock:
            sampler = _core.Sampler(self._model, params)
            epoch = self._begin(tokens, reset)
            ctx = self._ctx
            token = sample_accept(ctx, sampler)
        n_ctx, decode_one = self._n_ctx, ctx.decode_one
        while True:
            injected = yield token
            with lock:
                if self._epoch != epoch:
                    self._check_epoch(epoch)
                position = self.n_tokens
                if injected is not None or position >= n_ctx:
                    self._eval([token, *self._sent(injected)])
                else:
                    self._requires_eval = True
                    try:
                        decode_one(token, position)
                    except BaseException:
                        self._forget()
                        raise
                    ids[position] = token
                    self.n_tokens = position + 1
                    self._requires_eval = False
                token = sample_accept(ctx, sampler)

    def _generate_with_python(
        self,
        tokens: Sequence[int],
        params: _core.SamplingParams,
        reset: bool,
        processors: Optional[LogitsProcessorList],
        criteria: Optional[StoppingCriteriaList],
    ) -> Generator[int, Optional[Sequence[int]], None]:
        """The general loop: processors, criteria, all logits, drafts.

        `position` counts the tokens that are settled. Beyond them the context may hold guesses of
        the draft model; they are settled one by one as long as the sampler draws the same.
        """
        lock = self._lock
        with lock:
            sampler = _core.Sampler(self._model, params)
            epoch = self._begin(tokens, reset)
            position = self.n_tokens
        while True:
            with lock:
                self._check_epoch(epoch)
                row = position - 1 - self.n_tokens
                token = self._sample(sampler, row, processors)
                if criteria is not None and criteria(
                    self.input_ids[:position], self._ctx.logits(row)
                ):
                    self._settle(position)
                    return
                sampler.accept(token)
            injected = yield token
            with lock:
                self._check_epoch(epoch)
                guessed = position < self.n_tokens and self.input_ids[position] == token
                if guessed and injected is None:
                    position += 1
                    continue
                self._settle(position)
                pending = [token, *self._sent(injected)]
                position += len(pending)
                draft = self._draft(pending)
                self._eval([*pending, *draft], len(draft) + 1)

    def _sent(self, tokens: Optional[Sequence[int]]) -> Sequence[int]:
        """The tokens given to a generator's send()."""
        found = [] if tokens is None else _kinds.tokens("tokens", tokens)
        _kinds.in_vocabulary("tokens", found, self._n_vocab)
        return found

    def _settle(self, position: int) -> None:
        """Drop guesses beyond `position` from the context."""
        if position < self.n_tokens:
            self.n_tokens = position
            self._requires_eval = True

    def _draft(self, pending: List[int]) -> List[int]:
        """Ask the draft model how the evaluated tokens and `pending` go on."""
        if self.draft_model is None:
            return []
        end = self.n_tokens + len(pending)
        room = min(self._n_ctx - end, self.n_batch - len(pending))
        if room <= 0:
            return []
        guess = self.draft_model(np.append(self._input_ids, np.asarray(pending, dtype=np.intc)))
        return guess[:room].astype(int).tolist()

    # ---- text

    @checked
    def create_completion(
        self,
        prompt: Union[str, List[int]],
        suffix: Optional[str] = None,
        max_tokens: Optional[int] = 16,
        temperature: float = 0.8,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        logprobs: Optional[int] = None,
        echo: bool = False,
        stop: Optional[Union[str, List[str]]] = [],
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        top_k: int = 40,
        stream: bool = False,
        seed: Optional[int] = None,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        model: Optional[str] = None,
        stopping_criteria: Optional[StoppingCriteriaList] = None,
        logits_processor: Optional[LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
        logit_bias: Optional[Dict[int, float]] = None,
    ) -> Union[CreateCompletionResponse, Iterator[CreateCompletionStreamResponse]]:
        """Continue a text.

        Sampling arguments are those of generate().

        Args:
            prompt: text, or tokens that are used as they are.
            suffix: text after the gap that is to be filled, for models that can; others have it
                appended to their answer.
            max_tokens: most tokens to generate; None or less than 1: until the context is full.
            logprobs: give the log probability of each token, and of this many best ones in its
                place.
            echo: begin the answer with the prompt.
            stop: strings that end the text; the first that occurs counts and is not shown.
            stream: return an iterator of chunks. Closing it ends the generation.
            seed: seed of the sampler; by default it follows from the last one, so that runs of a
                new object repeat.
            model: name to show as "model" in the answer.
            logit_bias: added to the logits of tokens.

        Returns:
            OpenAI's completion as a dict; with stream=True its chunks.

        Raises:
            ContextOverflowError: the prompt does not fit into the context (a ValueError).
            TokenizeError: the prompt is not valid Unicode (a ValueError).
            GrammarError: the grammar does not parse (a ValueError).
            OvertakenError: a stream was continued after a newer generation had started.
        """
        params = self._sampling_params(
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            temp=temperature,
            repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            grammar=grammar,
            logit_bias=logit_bias,
        )
        self._context()
        job = _completion.prepare(
            self,
            prompt,
            params,
            suffix=suffix,
            max_tokens=max_tokens,
            logprobs=logprobs,
            echo=echo,
            stop=stop,
            seed=seed,
            model=model,
            processors=logits_processor,
            criteria=_any_of(stopping_criteria),
        )
        run: Any = _completion.stream if stream else _completion.complete
        return share(run(self, job))

    def __call__(
        self,
        prompt: str,
        suffix: Optional[str] = None,
        max_tokens: Optional[int] = 16,
        temperature: float = 0.8,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        logprobs: Optional[int] = None,
        echo: bool = False,
        stop: Optional[Union[str, List[str]]] = [],
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        top_k: int = 40,
        stream: bool = False,
        seed: Optional[int] = None,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        model: Optional[str] = None,
        stopping_criteria: Optional[StoppingCriteriaList] = None,
        logits_processor: Optional[LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
        logit_bias: Optional[Dict[int, float]] = None,
    ) -> Union[CreateCompletionResponse, Iterator[CreateCompletionStreamResponse]]:
        """Continue a text; see create_completion()."""
        arguments = dict(locals())
        del arguments["self"]
        return self.create_completion(**arguments)

    # ---- chat

    @checked_chat
    def create_chat_completion(
        self,
        messages: List[ChatCompletionRequestMessage],
        functions: Optional[List[ChatCompletionFunction]] = None,
        function_call: Optional[ChatCompletionRequestFunctionCall] = None,
        tools: Optional[List[ChatCompletionTool]] = None,
        tool_choice: Optional[ChatCompletionToolChoiceOption] = None,
        temperature: float = 0.2,
        top_p: float = 0.95,
        top_k: int = 40,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        stream: bool = False,
        stop: Optional[Union[str, List[str]]] = [],
        seed: Optional[int] = None,
        response_format: Optional[ChatCompletionRequestResponseFormat] = None,
        max_tokens: Optional[int] = None,
        presence_penalty: float = 0.0,
        frequency_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        model: Optional[str] = None,
        logits_processor: Optional[LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
        logit_bias: Optional[Dict[int, float]] = None,
        logprobs: Optional[bool] = None,
        top_logprobs: Optional[int] = None,
    ) -> Union[CreateChatCompletionResponse, Iterator[CreateChatCompletionStreamResponse]]:
        """Answer a chat.

        Sampling arguments are those of generate(), the others those of create_completion() or:

        Args:
            messages: OpenAI's messages: dicts with "role" and "content".
            functions: functions that the model may call, as OpenAI once had them; use `tools`.
            function_call: "none", "auto" or {"name": ...}; use `tool_choice`.
            tools: functions that the model may call, each with a JSON schema of its arguments.
            tool_choice: "none", "auto" (default with tools), "required" (or "any"), or
                {"type": "function", "function": {"name": ...}}, or just its name, for this one.
            response_format: {"type": "json_object"}, optionally with "schema", or
                {"type": "json_schema", "json_schema": {"schema": ...}}: the answer is such JSON.
            logprobs: give the log probabilities of the answer's tokens.
            top_logprobs: and of this many others at each place.

        Returns:
            OpenAI's chat completion as a dict; with stream=True its chunks.

        Raises:
            ChatTemplateError: the template refuses these messages (a ValueError).
            LlamaChatCompletionHandlerNotFoundException: there is no such chat_format.
            and what create_completion() raises.
        """
        arguments = dict(locals())
        del arguments["self"]
        self._context()
        handler = (
            self.chat_handler
            or self._chat_handlers.get(self.chat_format or "")
            or llama_chat_format.get_chat_completion_handler(self.chat_format or "")
        )
        return share(handler(llama=self, **arguments, **self.chat_template_kwargs))

    def create_chat_completion_openai_v1(self, *args: Any, **kwargs: Any):
        """Answer a chat like create_chat_completion(), with objects of the package `openai`."""
        try:
            from openai.types.chat import ChatCompletion, ChatCompletionChunk
        except ImportError as error:
            raise ImportError(
                "create_chat_completion_openai_v1 needs the openai package: pip install openai"
            ) from error
        answer: Any = self.create_chat_completion(*args, **kwargs)
        if kwargs.get("stream", False):
            return share(ChatCompletionChunk(**chunk) for chunk in answer)
        return ChatCompletion(**answer)

    # ---- embeddings

    @checked
    def create_embedding(
        self, input: Union[str, List[str]], model: Optional[str] = None
    ) -> CreateEmbeddingResponse:
        """Embed one text or several; returns OpenAI's response as a dict. See embed()."""
        texts = [input] if isinstance(input, str) else list(input)
        vectors, n_tokens = self.embed(texts, return_count=True)
        return {
            "object": "list",
            "data": [
                {"object": "embedding", "embedding": vector, "index": index}
                for index, vector in enumerate(vectors)
            ],
            "model": model if model is not None else self.model_path,
            "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
        }

    @checked
    def embed(
        self,
        input: Union[str, List[str]],
        normalize: bool = False,
        truncate: bool = True,
        return_count: bool = False,
    ):
        """Embed one text or several.

        Args:
            input: a text, or a list of texts.
            normalize: scale vectors to length 1.
            truncate: cut texts longer than n_batch tokens; otherwise they raise ValueError.
            return_count: return (result, number of tokens).

        Returns:
            For a text its vector (list of float, n_embd long); with pooling type NONE a list of
            vectors, one per token; with RANK the scores. For a list of texts a list of those.

        Raises:
            RuntimeError: the model was created without embedding=True.
        """
        texts = [input] if isinstance(input, str) else list(input)
        with self._lock:
            vectors, n_tokens = _embedding.embed(self, texts, normalize, truncate)
        result = vectors[0] if isinstance(input, str) else vectors
        return (result, n_tokens) if return_count else result

    @checked
    def rank(self, query: str, documents: List[str], truncate: bool = True) -> List[float]:
        """Return how well each document answers the query; higher is better.

        Needs a reranking model created with embedding=True (and pooling_type RANK, which is the
        default of such models). Texts are cut to n_batch tokens unless truncate=False.
        """
        with self._lock:
            return _embedding.rank(self, query, documents, truncate)

    # ---- state

    def save_state(self) -> LlamaState:
        """Return a copy of everything evaluated so far."""
        with self._lock:
            state = self._context().state_get()
            scores = np.zeros((0, self._n_vocab), np.single)
            if self._logits_all and self._score_rows is not None:
                scores = self._score_rows[: min(self._n_scored, self.n_tokens)]
            return LlamaState(
                input_ids=self.input_ids.copy(),
                scores=scores.copy(),
                n_tokens=self.n_tokens,
                llama_state=state,
                llama_state_size=len(state),
                seed=self._seed,
            )

    @checked
    def load_state(self, state: LlamaState) -> None:
        """Return to a state of save_state(), of this Llama or of one created alike.

        Raises StateError (a ValueError) when it belongs to another model or a larger context.
        """
        with self._lock:
            if state.n_tokens > self._n_ctx:
                raise StateError(
                    f"The state holds {state.n_tokens} tokens, this context only {self._n_ctx}:"
                    " create the model with a larger n_ctx"
                )
            self._epoch += 1
            self.n_tokens = 0  # until all of the state is here: a signal handler may raise
            self._requires_eval = True
            try:
                self._context().state_set(state.llama_state)
            except BaseException:
                self._forget()
                raise
            self.input_ids[: state.n_tokens] = state.input_ids[: state.n_tokens]
            self.n_tokens = state.n_tokens
            self._n_scored = min(len(state.scores), state.n_tokens) if self._logits_all else 0
            if self._n_scored:
                rows = self._reserve_scores(self._n_scored)
                rows[: self._n_scored] = state.scores[: self._n_scored]
            self._seed = state.seed

    def close(self) -> None:
        """Free the model's memory now. Later calls raise ClosedError; closing again does nothing.

        Without it the memory is freed when nothing refers to this object any longer.
        """
        with self._lock:
            self._epoch += 1
            self._ctx.close()
            self._model.close()

    def __getstate__(self):
        """Pickling keeps the arguments; unpickling loads the model again."""
        state = {**self._arguments, "seed": self._seed}
        if self.chat_format != self._default_format:
            state["chat_format"] = self.chat_format
        for name in _PICKLED_ATTRIBUTES:
            state[name] = getattr(self, name)
        return state

    def __setstate__(self, state):
        attributes = {name: state.pop(name) for name in _PICKLED_ATTRIBUTES if name in state}
        self.__init__(**state)
        self.__dict__.update(attributes)

    # ---- helpers that others call

    @staticmethod
    def logits_to_logprobs(
        logits: Union[npt.NDArray[np.single], List], axis: int = -1
    ) -> npt.NDArray[np.single]:
        """Return the logarithms of the softmax of `logits` along `axis`."""
        logits = np.asarray(logits, dtype=np.single)
        largest = np.max(logits, axis=axis, keepdims=True)
        shifted = logits - np.where(np.isfinite(largest), largest, 0)
        with np.errstate(divide="ignore"):
            return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))

    @staticmethod
    def longest_token_prefix(a: Sequence[int], b: Sequence[int]):
        """Return how many tokens `a` and `b` have in common at their beginning."""
        return longest_token_prefix(a, b)

    @classmethod
    @checked
    def from_pretrained(
        cls,
        repo_id: str,
        filename: Optional[str],
        additional_files: Optional[List] = None,
        local_dir: Optional[Union[str, os.PathLike[str]]] = None,
        local_dir_use_symlinks: Union[bool, Literal["auto"]] = "auto",
        cache_dir: Optional[Union[str, os.PathLike[str]]] = None,
        **kwargs: Any,
    ) -> Llama:
        """Download a model from the Hugging Face hub and load it.

        Needs the package `huggingface_hub`.

        Args:
            repo_id: "owner/name".
            filename: the GGUF file, or a pattern (``*Q4_K_M.gguf``) that fits exactly one file;
                of a split model the first part.
            additional_files: further files or patterns to download (the other parts).
            local_dir: folder to put the files into, instead of the hub's cache.
            local_dir_use_symlinks: has no effect; current huggingface_hub versions ignore it.
            cache_dir: folder of the hub's cache.
            kwargs: arguments of Llama().

        Raises:
            ValueError: no file or several files fit a pattern.
        """
        from ._pretrained import download

        path = download(
            repo_id, filename, additional_files, local_dir=local_dir, cache_dir=cache_dir
        )
        return cls(model_path=path, **kwargs)


class _NoContext:
    """Stands for the context of a model that was loaded with vocab_only=True."""

    closed = False

    @property
    def ctx(self) -> _NoContext:
        return self

    def close(self) -> None:
        self.closed = True

    def __getattr__(self, name: str) -> Any:
        raise ContextError(
            "The model was loaded with vocab_only=True, so it can only tokenize;"
            " load it without to evaluate anything"
        )


class LlamaState:
    """What Llama.save_state() returns: tokens, logits (rows may be none) and llama.cpp's bytes."""

    def __init__(
        self,
        input_ids: npt.NDArray[np.intc],
        scores: npt.NDArray[np.single],
        n_tokens: int,
        llama_state: bytes,
        llama_state_size: int,
        seed: int,
    ):
        self.input_ids = input_ids
        self.scores = scores
        self.n_tokens = n_tokens
        self.llama_state = llama_state
        self.llama_state_size = llama_state_size
        self.seed = seed


# ---- Python in the sampling loop

LogitsProcessor = Callable[[npt.NDArray[np.intc], npt.NDArray[np.single]], npt.NDArray[np.single]]


class LogitsProcessorList(List[LogitsProcessor]):
    """Logits processors, applied in order: (tokens so far, logits) -> logits."""

    def __call__(
        self, input_ids: npt.NDArray[np.intc], scores: npt.NDArray[np.single]
    ) -> npt.NDArray[np.single]:
        for processor in self:
            scores = processor(input_ids, scores)
        return scores


StoppingCriteria = Callable[[npt.NDArray[np.intc], npt.NDArray[np.single]], bool]


class StoppingCriteriaList(List[StoppingCriteria]):
    """Stopping criteria; generation stops when any says so: (tokens so far, logits) -> bool."""

    def __call__(self, input_ids: npt.NDArray[np.intc], logits: npt.NDArray[np.single]) -> bool:
        return any([criterion(input_ids, logits) for criterion in self])


def _any_of(criteria: Optional[List[StoppingCriteria]]) -> Optional[StoppingCriteriaList]:
    if not criteria or isinstance(criteria, StoppingCriteriaList):
        return criteria  # a list of them may be a subclass with a rule of its own
    return StoppingCriteriaList(criteria)


class MinTokensLogitsProcessor:
    """Forbids the token `token_eos` until `min_tokens` tokens were generated."""

    def __init__(self, min_tokens: int, token_eos: int):
        self.min_tokens = min_tokens
        self.token_eos = token_eos
        self.prompt_tokens: Optional[int] = None

    def __call__(
        self, input_ids: npt.NDArray[np.intc], scores: npt.NDArray[np.single]
    ) -> npt.NDArray[np.single]:
        if self.prompt_tokens is None:
            self.prompt_tokens = len(input_ids)
        if len(input_ids) - self.prompt_tokens < self.min_tokens:
            scores[self.token_eos] = -np.inf
        return scores


# ---- checks of Llama's arguments


def _warn_about_unknown(kwargs: Dict[str, Any]) -> None:
    known = list(inspect.signature(Llama.__init__).parameters)[2:-1]
    for name, value in kwargs.items():
        # None asks for nothing: LangChain's LlamaCppEmbeddings passes device=None, its own parameter.
        if name in _NO_LONGER_NEEDED or value is None:
            continue
        if name == "rpc_servers":
            warnings.warn(
                "rpc_servers is ignored: this build of llama.cpp has no RPC backend, so everything"
                " runs on this machine",
                stacklevel=4,
            )
            continue
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        warnings.warn(
            f"Llama() has no parameter {name!r}, so it is ignored;"
            f" the nearest it has is {nearest!r}",
            stacklevel=4,
        )


def _default_threads() -> int:
    from ._threads import default_threads

    return default_threads().count


def _numa_strategy(numa: Union[bool, int]) -> int:
    if isinstance(numa, bool):
        distribute = llama_cpp.GGML_NUMA_STRATEGY_DISTRIBUTE
        return distribute if numa else llama_cpp.GGML_NUMA_STRATEGY_DISABLED
    return numa


def _checked_layers(
    layers: Any, tensor_split: Optional[List[float]], split_mode: int
) -> Union[int, Literal["auto"]]:
    if isinstance(layers, str) and layers == "auto":
        by_layer = (llama_cpp.LLAMA_SPLIT_MODE_NONE, llama_cpp.LLAMA_SPLIT_MODE_LAYER)
        if tensor_split or split_mode not in by_layer:
            raise ValueError(
                'n_gpu_layers="auto" decides how the model is split over the GPUs: leave tensor_split'
                " and split_mode out, or give a number of layers"
            )
        return layers
    try:
        number = operator.index(layers)
    except TypeError:
        number = None
    if number is None or not -_ALL_LAYERS <= number <= _ALL_LAYERS:
        raise ValueError(
            f'n_gpu_layers={layers!r} is not a number of layers: take one, -1 for all, or "auto"'
        )
    return number


def _checked_split(tensor_split: Optional[List[float]]) -> List[float]:
    split = list(tensor_split or ())
    if len(split) > llama_cpp.LLAMA_MAX_DEVICES:
        raise ValueError(
            f"tensor_split has {len(split)} shares, but at most"
            f" LLAMA_MAX_DEVICES={llama_cpp.LLAMA_MAX_DEVICES} devices are supported"
        )
    return split


def _load_mode(use_mmap: bool, use_mlock: bool) -> int:
    if use_mmap:
        return llama_cpp.LLAMA_LOAD_MODE_MMAP_MLOCK if use_mlock else llama_cpp.LLAMA_LOAD_MODE_MMAP
    return llama_cpp.LLAMA_LOAD_MODE_MLOCK if use_mlock else llama_cpp.LLAMA_LOAD_MODE_NONE


def _checked_overrides(overrides: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    for key, value in (overrides or {}).items():
        _kinds.text("A key of kv_overrides", key)
        if isinstance(value, str):
            if len(value.encode("utf-8")) > _MAX_OVERRIDE_BYTES:
                raise ValueError(
                    f"Value for {key} in kv_overrides is too long: at most {_MAX_OVERRIDE_BYTES} bytes as UTF-8"
                )
        elif not isinstance(value, (bool, int, float)):
            raise ValueError(
                f"Unknown value type for {key} in kv_overrides: {value!r}; use bool, int, float or str"
            )
    return dict(overrides or {})


def _flash_attn_type(flash_attn: Any) -> int:
    if flash_attn is None or flash_attn == "auto":
        return llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO
    if flash_attn:
        return llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
    return llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED


__all__ = [
    "BaseLlamaCache",
    "BaseLlamaTokenizer",
    "Llama",
    "LlamaCache",
    "LlamaDiskCache",
    "LlamaDraftModel",
    "LlamaGrammar",
    "LlamaRAMCache",
    "LlamaState",
    "LlamaTokenizer",
    "LogitsProcessor",
    "LogitsProcessorList",
    "MinTokensLogitsProcessor",
    "StoppingCriteria",
    "StoppingCriteriaList",
    "set_verbose",
    "suppress_stdout_stderr",
]
__all__ += llama_types.__all__
