"""The high-level API: :class:`Llama` loads a model and generates text, chat answers, embeddings.

A Llama may be used from several threads. Whole completions run one after another. A stream or a
``generate()`` loop lets others in between two tokens; when one of those starts a generation of its
own, the older one raises OvertakenError at its next step.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
import weakref
from collections import deque
from typing import (
    TYPE_CHECKING,
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

from . import _core, llama_chat_format, llama_types
from ._capi import constants
from ._chat.call import call_handler
from ._chat.template import default_format, handlers_from_model
from ._engine import (
    completion,
    control_vectors,
    embedding,
    generation,
    kinds,
    loading,
    paths,
    projectors,
    speculation,
    speculative_options,
)
from ._engine.arguments import checked, checked_chat, includes_usage, require_stream
from ._engine.caches import (
    BaseLlamaCache,
    LlamaCache,
    LlamaDiskCache,
    LlamaRAMCache,
    longest_token_prefix,
)
from ._engine.checkpoints import Checkpoints
from ._engine.choices import several
from ._engine.drafts import LlamaDraftModel, Speculation
from ._engine.grammar import LlamaGrammar
from ._engine.options import ContextOptions, ModelOptions, values
from ._engine.processors import (
    LogitsProcessor,
    LogitsProcessorList,
    MinTokensLogitsProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
    any_of,
)
from ._engine.sampling import Sampling, checked_more
from ._engine.session import NoContext, Session
from ._engine.shared_generator import share
from ._engine.speculative_options import SpeculativeOptions
from ._engine.state import LlamaState
from ._engine.tokenizers import BaseLlamaTokenizer, LlamaTokenizer
from ._logger import set_verbose
from ._numpy import np, npt
from ._private_members import PrivateMembers
from ._utils import suppress_stdout_stderr
from .llama_types import *  # noqa: F403
from .llama_types import (
    ChatCompletionFunction,
    ChatCompletionReasoningFormat,
    ChatCompletionRequestFunctionCall,
    ChatCompletionRequestMessage,
    ChatCompletionRequestResponseFormat,
    ChatCompletionStreamOptions,
    ChatCompletionTool,
    ChatCompletionToolChoiceOption,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    CreateCompletionResponse,
    CreateCompletionStreamResponse,
    CreateEmbeddingResponse,
)

if TYPE_CHECKING:
    from ._capi.context import LlamaContext
    from ._capi.model import LlamaModel
    from ._media.policy import MediaPolicy

# Once parameters of llama-cpp-python's Llama, by its history, and without a meaning today: memory
# and kernels that llama.cpp chooses itself (f16_kv and n_parts until 2023, low_vram until 0.2.5,
# mul_mat_q until 0.2.53), or numbers that are in every GGUF file (n_gqa, rms_norm_eps).
_NO_LONGER_NEEDED = frozenset(
    ("f16_kv", "low_vram", "mul_mat_q", "n_gqa", "n_parts", "rms_norm_eps")
)
_PICKLED_ATTRIBUTES = ("sampling_extras", "chat_template_kwargs")


class _OfSession:
    """An attribute of Llama that is its session's, under the same name unless another is given."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = self._name or name

    def __get__(self, llama: Optional[Llama], owner: Optional[type] = None) -> Any:
        return self if llama is None else getattr(llama._session, self._name)

    def __set__(self, llama: Llama, value: Any) -> None:
        setattr(llama._session, self._name, value)


def _of_session(name: str = "") -> Any:
    """Returns an attribute that is the session's, of a type that type checkers take for its."""
    return _OfSession(name)


class Llama(PrivateMembers):
    """A model with one context: generates text, answers chats, computes embeddings.

    Beside the constructor's arguments `sampling_extras` and `chat_template_kwargs` may be set at
    any time.

    Attributes:
        sampling_extras: Sampling parameters of llama.cpp that the methods have no argument for, by
            llama.cpp's names, for every generation: ``{"dry_multiplier": 0.8}``,
            ``{"xtc_probability": 0.5}``, ``{"top_n_sigma": 1.0}``,
            ``{"samplers": ["top_k", ...]}``...
        chat_template_kwargs: Keyword arguments of every chat handler call; those that the handler
            does not know reach the chat template: ``{"enable_thinking": False}``. Those of a call
            go before them.
        metadata: The file's metadata; values are text.
        model_params: The native parameters that the model was loaded with.
        context_params: The native parameters that the context was created with.
        cache: The cache of evaluated prompts; see set_cache().
        tokenizer_: The tokenizer in use.
        n_tokens: How many tokens are evaluated.
        input_ids: Room for n_ctx tokens; the first `n_tokens` are the evaluated ones.
    """

    @checked
    def __init__(
        self,
        model_path: str,
        *,
        # Model
        n_gpu_layers: Union[int, Literal["auto"]] = 0,
        split_mode: int = constants.LLAMA_SPLIT_MODE_LAYER,
        main_gpu: int = 0,
        tensor_split: Optional[List[float]] = None,
        vocab_only: bool = False,
        use_mmap: bool = True,
        use_mlock: bool = False,
        kv_overrides: Optional[Dict[str, Union[bool, int, float, str]]] = None,
        # Context
        seed: int = constants.LLAMA_DEFAULT_SEED,
        n_ctx: int = 512,
        n_batch: int = 512,
        n_ubatch: int = 512,
        n_threads: Optional[int] = None,
        n_threads_batch: Optional[int] = None,
        rope_scaling_type: Optional[int] = constants.LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED,
        pooling_type: int = constants.LLAMA_POOLING_TYPE_UNSPECIFIED,
        attention_type: int = constants.LLAMA_ATTENTION_TYPE_UNSPECIFIED,
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
        draft_model: Union[LlamaDraftModel, SpeculativeOptions, str, None] = None,
        # Tokenizer
        tokenizer: Optional[BaseLlamaTokenizer] = None,
        # KV cache
        type_k: Optional[int] = None,
        type_v: Optional[int] = None,
        # Other
        spm_infill: bool = False,
        verbose: bool = True,
        # Not in llama-cpp-python: model
        devices: Optional[Union[str, List[str]]] = None,
        rpc_servers: Optional[Union[str, List[str]]] = None,
        tensor_buft_overrides: Optional[Dict[str, str]] = None,
        cpu_moe: bool = False,
        n_cpu_moe: int = 0,
        check_tensors: bool = False,
        use_extra_bufts: bool = True,
        no_host: bool = False,
        load_mtp: bool = False,
        lazy_mode: int = constants.LLAMA_LAZY_MODE_AUTO,
        progress_callback: Optional[Callable[[float], Optional[bool]]] = None,
        # Not in llama-cpp-python: context
        n_seq_max: Optional[int] = None,
        n_rs_seq: int = 0,
        n_outputs_max: Optional[int] = None,
        kv_unified: Optional[bool] = None,
        flash_attn_type: Optional[int] = None,
        abort_callback: Optional[Callable[[], Any]] = None,
        ctx_checkpoints: int = 32,
        checkpoint_interval: int = 2048,
        checkpoint_bytes: int = 1 << 30,
        # Not in llama-cpp-python: images and sounds
        mmproj_path: Optional[str] = None,
        mmproj_use_gpu: bool = True,
        image_min_tokens: Optional[int] = None,
        image_max_tokens: Optional[int] = None,
        media_policy: Optional[MediaPolicy] = None,
        **kwargs,  # type: ignore
    ):
        """Loads a GGUF model.

        Args:
            model_path: the GGUF file (str, bytes or os.PathLike); of a split model its first part.
            n_gpu_layers: layers to keep on the GPU; negative means all. "auto" keeps all there that
                fit into its free memory together with the context and the projector, and none
                where there is no GPU.
            split_mode: how a model is split over GPUs, LLAMA_SPLIT_MODE_*.
            main_gpu: the GPU for the parts that are not split (depends on split_mode).
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
                only rows of evaluated tokens take memory, from the first look at it on).
                logprobs and draft_model do not need it.
            embedding: compute embeddings (see embed()).
            offload_kqv: keep the KV cache and its operations on the GPU.
            flash_attn: True on, False off; None or "auto" lets llama.cpp decide.
            op_offload: run big operations of layers in RAM on the GPU; None as llama.cpp does.
            swa_full: full-size cache for sliding-window attention; None as llama.cpp does.
            no_perf: do not measure times.
            last_n_tokens_size: how many generated tokens the penalties look at.
            lora_base: has no effect; llama.cpp needs it no longer.
            lora_scale: weight of the adapter of lora_path.
            lora_path: a LoRA adapter in GGUF format, for all calls; see load_lora() for several.
            numa: True distributes over NUMA nodes; or one of GGML_NUMA_STRATEGY_*.
            chat_format: name of a chat format; default is the template in the model file.
            chat_handler: answers chats, instead of chat_format.
            draft_model: guesses tokens ahead, which the model then checks together: the path of a
                draft model, a name such as "ngram-simple" or "mtp", SpeculativeOptions, or a
                LlamaDraftModel such as LlamaPromptLookupDecoding(). `speculation` counts them.
            tokenizer: replaces the model's own tokenizer.
            type_k: type of the K cache, GGML_TYPE_*; None means F16.
            type_v: type of the V cache; types other than F16 and F32 need flash_attn.
            spm_infill: order suffix, prefix, middle instead of prefix, suffix, middle in infill.
            verbose: show llama.cpp's messages; False shows errors only. Nothing is done to the
                process's file descriptors.
            devices: the devices to use beside the CPU, by the names that llama_cpp.devices() has;
                "none" for the CPU alone. Default all.
            rpc_servers: machines that run ``python -m llama_cpp rpc-server``, "host:port" each,
                whose devices are used too, before the others; n_gpu_layers says how many layers.
                Nothing is encrypted: see docs/rpc.md.
            tensor_buft_overrides: regular expression -> name of a buffer type, such as "CPU", for
                the tensors in whose name it occurs; the first that fits counts.
            cpu_moe: keep the weights of all experts in RAM.
            n_cpu_moe: keep the weights of the experts of this many layers, the first, in RAM.
            check_tensors: look for invalid numbers in the weights; takes a look at all of them.
            use_extra_bufts: let the CPU repack weights: faster, and not memory-mapped.
            no_host: bypass the GPU driver's host buffers, so that weights in RAM can be repacked.
            load_mtp: load the layers that predict several tokens; draft_model="mtp" does.
            lazy_mode: LLAMA_LAZY_MODE_*: whether tables of which a token needs one row are read
                when they are needed; AUTO does so from 4 GiB on.
            progress_callback: called with the loaded part, 0 to 1; False stops the loading.
            n_seq_max: sequences of the context. Texts to embed, of which each is one, are evaluated
                together; nothing else uses more than one. Without kv_unified each has an equal
                part of n_ctx.
            n_rs_seq: tokens that a recurrent model can take back, if its architecture can at all,
                of those that it evaluated together: of a prompt, not of an answer, whose tokens
                come one by one.
            n_outputs_max: most tokens of one computation whose logits are kept; default n_batch,
                which callers of llama_decode() may count on. Fewer save memory on the device:
                4 bytes * n_vocab for each of them.
            kv_unified: one buffer for all sequences; always with embedding=True.
            flash_attn_type: LLAMA_FLASH_ATTN_TYPE_*, instead of flash_attn.
            abort_callback: called without arguments before each n_ubatch tokens and about every
                50 ms; a true result ends the call with AbortedError, an exception with that.
            ctx_checkpoints: most checkpoints: copies of the memory of a recurrent or hybrid model,
                or of a sliding window with swa_full=False. Without them such a model reads a whole
                chat again that differs from the one before. Other models have none.
            checkpoint_interval: most tokens from one checkpoint to the next.
            checkpoint_bytes: most bytes of RAM for all checkpoints together.
            mmproj_path: the projector that belongs to the model, with which it reads the images and
                sounds of chats: the file mmproj-*.gguf that is published beside it.
            mmproj_use_gpu: let a GPU read them, the first of `devices`, if there is one.
            image_min_tokens: the fewest tokens of an image, for models that let its size decide;
                default as the projector says.
            image_max_tokens: the most tokens of an image, likewise.
            media_policy: the addresses that images and sounds may come from, and their limits;
                default a MediaPolicy(), which takes `https:` and `data:` URLs.
            kwargs: unknown arguments are ignored with a warning that names the nearest known one;
                parameters of llama-cpp-python's past that mean nothing today, in silence.

        Raises:
            ModelLoadError: the file is missing or cannot be loaded (a ValueError).
            ContextError: the context cannot be created with these arguments (a ValueError).
            BackendError: no CPU backend could be loaded when llama_cpp was imported.
            RemoteServerError: one of rpc_servers cannot be reached, or was lost (a BackendError).
        """
        _warn_about_unknown(kwargs)
        speculative = None if vocab_only else speculative_options.resolve(draft_model)
        self._model_options = ModelOptions(
            n_gpu_layers=n_gpu_layers,
            split_mode=split_mode,
            main_gpu=main_gpu,
            tensor_split=tensor_split,
            vocab_only=vocab_only,
            use_mmap=use_mmap and lora_path is None,
            use_mlock=use_mlock,
            kv_overrides=kv_overrides,
            devices=devices,
            rpc_servers=rpc_servers,
            tensor_buft_overrides=tensor_buft_overrides,
            cpu_moe=cpu_moe,
            n_cpu_moe=n_cpu_moe,
            check_tensors=check_tensors,
            use_extra_bufts=use_extra_bufts,
            no_host=no_host,
            load_mtp=load_mtp or (speculative is not None and speculative.needs_own_layers),
            lazy_mode=lazy_mode,
            progress_callback=progress_callback,
        )
        self._context_options = ContextOptions(
            n_ctx=n_ctx,
            n_batch=n_batch,
            n_ubatch=n_ubatch,
            n_threads=n_threads,
            n_threads_batch=n_threads_batch,
            rope_scaling_type=rope_scaling_type,
            pooling_type=pooling_type,
            attention_type=attention_type,
            rope_freq_base=rope_freq_base,
            rope_freq_scale=rope_freq_scale,
            yarn_ext_factor=yarn_ext_factor,
            yarn_attn_factor=yarn_attn_factor,
            yarn_beta_fast=yarn_beta_fast,
            yarn_beta_slow=yarn_beta_slow,
            yarn_orig_ctx=yarn_orig_ctx,
            embedding=embedding,
            offload_kqv=offload_kqv,
            flash_attn=flash_attn,
            op_offload=op_offload,
            swa_full=swa_full,
            no_perf=no_perf,
            type_k=type_k,
            type_v=type_v,
            n_seq_max=n_seq_max,
            n_rs_seq=n_rs_seq,
            n_outputs_max=n_outputs_max,
            kv_unified=kv_unified,
            flash_attn_type=flash_attn_type,
        )
        # With the options above, the arguments that unpickling passes to __init__ again.
        self._arguments: Dict[str, Any] = {
            "model_path": model_path,
            "use_mmap": use_mmap,
            "seed": seed,
            "logits_all": logits_all,
            "last_n_tokens_size": last_n_tokens_size,
            "lora_base": lora_base,
            "lora_scale": lora_scale,
            "lora_path": lora_path,
            "numa": numa,
            "chat_format": chat_format,
            "chat_handler": chat_handler,
            "draft_model": draft_model,
            "tokenizer": tokenizer,
            "spm_infill": spm_infill,
            "verbose": verbose,
            "abort_callback": abort_callback,
            "ctx_checkpoints": ctx_checkpoints,
            "checkpoint_interval": checkpoint_interval,
            "checkpoint_bytes": checkpoint_bytes,
            "mmproj_path": mmproj_path,
            "mmproj_use_gpu": mmproj_use_gpu,
            "image_min_tokens": image_min_tokens,
            "image_max_tokens": image_max_tokens,
            "media_policy": media_policy,
        }
        self.model_path = paths.model_path(model_path)
        self.chat_template_kwargs: Dict[str, Any] = {}
        set_verbose(verbose)
        self.numa = loading.start(numa)
        self.tensor_split = tensor_split
        self.kv_overrides = kv_overrides
        self.lora_base = lora_base
        self.lora_scale = lora_scale
        self.lora_path = lora_path

        projector = None
        if mmproj_path is not None and not vocab_only:
            projector = projectors.ProjectorOptions(
                mmproj_path, mmproj_use_gpu, image_min_tokens, image_max_tokens
            )
        model, self.model_params = loading.load_model(
            self.model_path,
            self._model_options,
            self._context_options,
            projectors.device_bytes(projector) if projector else 0,
        )
        self.metadata: Dict[str, str] = model.metadata()
        n_ctx = n_ctx or model.n_ctx_train or 512
        self.context_params = loading.context_params(model, self._context_options, n_ctx)
        self.n_threads = self.context_params.n_threads
        self.n_threads_batch = self.context_params.n_threads_batch
        if speculative is not None:
            speculation.prepare(speculative, model, self.context_params)
        context: Union[_core.Context, NoContext] = NoContext()
        if not vocab_only:
            model, context = loading.open_context(
                model, self.model_params, self.context_params, self._model_options
            )
            n_ctx = context.n_ctx_seq
        drafts: Any = draft_model
        if speculative is not None:
            drafts = speculation.open_drafts(
                speculative, context, self._model_options, self._context_options
            )

        self._session = Session(
            model,
            context,
            name=self.model_path,
            n_ctx=n_ctx,
            n_batch=self.context_params.n_batch,
            logits_all=logits_all,
            embedding=embedding,
            tokenizer=tokenizer or LlamaTokenizer.of_model(model),
            draft_model=drafts,
            checkpoints=Checkpoints(
                0 if loading.can_shorten(model, self.context_params) else ctx_checkpoints,
                checkpoint_interval,
                checkpoint_bytes,
                n_rs_seq,
            ),
        )
        self._session.owner = weakref.ref(self)
        self._session.seed = seed or constants.LLAMA_DEFAULT_SEED
        self._session.last_n_tokens_size = last_n_tokens_size
        self._session.spm_infill = spm_infill
        self._session.verbose = verbose
        if abort_callback is not None and not vocab_only:
            self._session.set_abort_callback(abort_callback)
        self._session.media_policy = media_policy
        if projector is not None:
            self._session.projector = projectors.load(self._session, projector)
        if lora_path:
            self._session.load_first_adapter(lora_path, lora_scale)

        self.chat_format = chat_format
        self.chat_handler = chat_handler
        self._chat_handlers = handlers_from_model(model, self.metadata)
        self._default_format = default_format(self._chat_handlers, self.metadata)
        if chat_format is None and chat_handler is None:
            self.chat_format = self._default_format

        if verbose:
            print(_core.system_info(), file=sys.stderr)
            print(f"Model metadata: {self.metadata}", file=sys.stderr)
            print(f"Chat format: {self.chat_format}", file=sys.stderr)

    # ---- attributes of the session, for programs that drive the model themselves

    verbose: bool = _of_session()
    cache: Optional[BaseLlamaCache] = _of_session()
    draft_model: Any = _of_session()
    tokenizer_: BaseLlamaTokenizer = _of_session("tokenizer")
    last_n_tokens_size: int = _of_session()
    spm_infill: bool = _of_session()
    sampling_extras: Dict[str, Any] = _of_session()
    n_batch: int = _of_session()
    n_tokens: int = _of_session()
    input_ids: npt.NDArray[np.intc] = _of_session()
    _lock: Any = _of_session("lock")
    _n_ctx: int = _of_session("n_ctx")
    _n_vocab: int = _of_session("n_vocab")
    _seed: int = _of_session("seed")
    _logits_all: bool = _of_session("logits_all")
    _input_ids: npt.NDArray[np.intc] = _of_session("evaluated")

    @property
    def _is_recurrent(self) -> bool:
        return self._session.model.is_recurrent

    @property
    def _is_hybrid(self) -> bool:
        return self._session.model.is_hybrid

    # ---- properties of model and context

    @property
    def speculation(self) -> Speculation:
        """Counts the drafts of `draft_model`, and how many of their tokens the model drew, too."""
        return self._session.speculation

    @property
    def ctx(self) -> Any:
        """The native context (``llama_cpp._core.Context``), a ``llama_context *`` for ctypes."""
        return self._session.ctx

    @property
    def model(self) -> Any:
        """The native model (``llama_cpp._core.Model``), a ``llama_model *`` for ctypes."""
        return self._session.model

    @functools.cached_property
    def _model(self) -> LlamaModel:
        # The C API is imported by those alone who use it.
        from ._capi.model import LlamaModel

        return LlamaModel.of(self.model, self.model_params, self.verbose)

    @functools.cached_property
    def _ctx(self) -> LlamaContext:
        from ._capi.context import LlamaContext

        return LlamaContext.of(self.ctx, self._model, self.context_params, self.verbose)

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints of the evaluated tokens: ``len()``, `n_tokens` and `n_bytes`."""
        return self._session.checkpoints

    def n_ctx(self) -> int:
        """Returns the context window in tokens."""
        return self._n_ctx

    def n_embd(self) -> int:
        """Returns the length of the model's hidden state."""
        return self.model.n_embd

    def n_vocab(self) -> int:
        """Returns the number of tokens in the vocabulary."""
        return self.model.n_vocab

    def token_eos(self) -> int:
        """Returns the end-of-sequence token, -1 if there is none."""
        return self.model.token_eos

    def token_bos(self) -> int:
        """Returns the beginning-of-sequence token, -1 if there is none."""
        return self.model.token_bos

    def token_nl(self) -> int:
        """Returns the newline token, -1 if there is none."""
        return self.model.token_nl

    def pooling_type(self) -> str:
        """Returns how embeddings are pooled, one of LLAMA_POOLING_TYPE_* (an int)."""
        return self._session.context().pooling_type

    # ---- tokens

    def tokenizer(self) -> LlamaTokenizer:
        """Returns the tokenizer in the model file; the active one is ``tokenizer_``."""
        return LlamaTokenizer(self)

    @checked
    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> List[int]:
        """Turns UTF-8 text into tokens.

        `add_bos` adds the tokens that the model wants around a text; `special` turns text like
        ``</s>`` into the control token of that name. Raises TokenizeError (a ValueError) for
        invalid text.
        """
        return self.tokenizer_.tokenize(text, add_bos, special)

    @checked
    def detokenize(
        self, tokens: List[int], prev_tokens: Optional[List[int]] = None, special: bool = False
    ) -> bytes:
        """Turns tokens into UTF-8 text, which may begin or end within a character.

        `special` shows control tokens; `prev_tokens` are the tokens before them, for tokenizers
        whose text depends on those.
        """
        kinds.in_vocabulary("tokens", tokens, self._n_vocab)
        return self.tokenizer_.detokenize(tokens, prev_tokens=prev_tokens, special=special)

    # ---- settings

    @checked
    def set_cache(self, cache: Optional[BaseLlamaCache]):
        """Uses `cache` to keep evaluated prompts across completions; None for no cache."""
        self.cache = cache

    @checked
    def set_seed(self, seed: int):
        """Sets the seed of the next generation."""
        self._seed = seed

    # ---- LoRA adapters and control vectors

    @checked
    def load_lora(self, path: str, name: Optional[str] = None) -> str:
        """Loads a LoRA adapter, which a call then names; returns its name.

        No call uses it unless set_loras() or its `loras` says so. Loading the same file under the
        same name again changes nothing.

        Args:
            path: an adapter in GGUF format (str, bytes or os.PathLike), made for this model.
            name: default the file's name without ".gguf".

        Raises:
            ModelLoadError: the file is missing, or no adapter of this model (a ValueError).
            AdapterError: another adapter has the name (a ValueError).
        """
        self._session.context()
        return self._session.adapters.load(path, name)

    @checked
    def unload_lora(self, name: str) -> None:
        """Frees a LoRA adapter. Tokens that were evaluated with it are forgotten.

        Raises AdapterError (a ValueError), which has the nearest name, for an unknown one.
        """
        with self._session.lock:
            self._session.unload_adapter(name)

    def list_loras(self) -> List[str]:
        """Returns the names of the loaded LoRA adapters, in the order of loading."""
        return self._session.adapters.names()

    @checked
    def set_loras(self, loras: Dict[str, float]) -> None:
        """Sets the LoRA adapters of all calls that have no `loras` of their own.

        Evaluated tokens that others were used for are forgotten, so a stream in progress raises
        OvertakenError.

        Args:
            loras: name or path -> scale, 1 for the adapter as trained; {} for none.

        Raises:
            AdapterError: there is neither an adapter nor a file of this name (a ValueError).
        """
        with self._session.lock:
            self._session.set_default_adapters(self._session.choose(loras))

    @checked
    def load_control_vector(
        self,
        vectors: Union[str, List[Tuple[str, float]]],
        layer_start: Optional[int] = None,
        layer_end: Optional[int] = None,
    ) -> None:
        """Adds the directions of a control vector to the hidden state, in all later calls.

        They replace those of the call before. As with set_loras(), tokens that were evaluated
        without are forgotten.

        Args:
            vectors: a GGUF file as llama.cpp's cvector-generator writes it; or several with their
                strengths, as a dict or pairs, which are added up. A path may be str, bytes or
                os.PathLike.
            layer_start: the first layer after which a direction is added; default 1.
            layer_end: the last one; default the model's last one.

        Raises:
            ModelLoadError: a file is missing, or no control vector (a ValueError).
            AdapterError: it is made for another model, or there are no such layers (a ValueError).
        """
        session = self._session
        session.context()
        vector = control_vectors.load(session.model, vectors, layer_start, layer_end)
        with session.lock:
            session.set_control_vector(vector)

    def clear_control_vector(self) -> None:
        """Adds no control vector in later calls."""
        with self._session.lock:
            self._session.set_control_vector(None)

    # ---- evaluated tokens and their logits

    @property
    def scores(self) -> npt.NDArray[np.single]:
        """Logits, one row per evaluated token; filled only with logits_all=True.

        Rows are computed when they are asked for, and from then on with their tokens.
        """
        with self._session.lock:
            return self._session.all_scores()

    @scores.setter
    def scores(self, rows: npt.NDArray[np.single]) -> None:
        self._session.scores.replace(rows, self.n_tokens)

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
        """Forgets the evaluated tokens."""
        with self._session.lock:
            self._session.reset()

    @checked
    def eval(self, tokens: Sequence[int]):
        """Evaluates tokens after those evaluated before, with the same LoRA adapters.

        Raises ContextOverflowError (a ValueError) when they do not fit into the context.
        """
        kinds.in_vocabulary("tokens", tokens, self._n_vocab)
        with self._session.lock:
            self._session.use(self._session.continuing())
            self._session.epoch += 1
            self._session.eval(tokens)

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
        **more: Any,
    ):
        """Draws one token from the logits of an evaluated token and returns it.

        `idx` is the position of that token, default the last one; an earlier one needs
        logits_all=True. The penalties look at the last evaluated tokens. `tfs_z` and `penalize_nl`
        have no effect: llama.cpp no longer has them. Raises IndexError when there are no logits.
        """
        if self._sampler is not None:
            with self._session.lock:
                return self._sampler.sample(self._ctx, generation.row_of(self._session, idx))
        sampling = Sampling(
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            temperature=temp,
            repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            grammar=grammar,
            more=checked_more("sample", more),
        )
        with self._session.lock:
            params = self._session.native_sampling(sampling)
            return generation.sample(self._session, params, idx, logits_processor)

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
        *,
        loras: Optional[Dict[str, float]] = None,
        **more: Any,
    ) -> Generator[int, Optional[Sequence[int]], None]:
        """Generates tokens after a prompt, without end: stop at a token, or close the generator.

        Tokens evaluated before are reused as far as they agree with `tokens` (reset=True), or kept
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
            loras: LoRA adapters as name or path -> scale, {} for none; default those of
                set_loras(), and with reset=False those of the evaluated tokens. Tokens that others
                evaluated are forgotten.
            more: further sampling parameters by llama.cpp's names; see sampling_extras.

        Raises (at the first or a later step):
            ContextOverflowError: the context is full (a ValueError).
            OvertakenError: something else was evaluated on this Llama meanwhile.
            AdapterError: there is no such LoRA adapter, and no file of this name (a ValueError).
        """
        sampling = Sampling(
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            temperature=temp,
            repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            grammar=grammar,
            more=checked_more("generate", more),
        )
        kinds.in_vocabulary("tokens", tokens, self._n_vocab)
        session = self._session
        params = session.native_sampling(sampling)
        criteria = any_of(stopping_criteria)
        adapters = None if loras is None and not reset else session.choose(loras)
        return share(
            generation.generate(
                session, tokens, params, reset, logits_processor, criteria, adapters
            )
        )

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
        *,
        stream_options: Optional[ChatCompletionStreamOptions] = None,
        n: int = 1,
        loras: Optional[Dict[str, float]] = None,
        **more: Any,
    ) -> Union[CreateCompletionResponse, Iterator[CreateCompletionStreamResponse]]:
        """Continues a text.

        Sampling arguments and `loras` are those of generate().

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
            logit_bias: added to the logits of tokens; ids are numbers, or strings as in JSON.
            stream_options: {"include_usage": True} ends a stream with one more chunk, whose
                `choices` is empty and whose `usage` counts the whole request; other chunks then
                have the usage None. Only with stream=True.
            n: number of choices. Each has its `index`, and a seed of its own: seed + index. In a
                stream they come one after another. The usage counts the prompt once.
            more: further sampling parameters by llama.cpp's names; see sampling_extras. OpenAI's
                `user`, `metadata`, `store`, `service_tier`, `prompt_cache_key`,
                `prompt_cache_retention`, `safety_identifier` and `prediction`, which concern its
                service alone, have no effect.

        Returns:
            OpenAI's completion as a dict; with stream=True its chunks.

        Raises:
            ContextOverflowError: the prompt does not fit into the context (a ValueError).
            TokenizeError: the prompt is not valid Unicode (a ValueError).
            GrammarError: the grammar does not parse (a ValueError).
            OvertakenError: a stream was continued after a newer generation had started.
        """
        sampling = Sampling(
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            temperature=temperature,
            repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            grammar=grammar,
            logit_bias=logit_bias,
            more=checked_more("create_completion", more),
        )
        require_stream(stream, stream_options)
        session = self._session
        adapters = session.choose(loras)
        run: Any = completion.stream if stream else completion.complete

        def start(seed: Optional[int]) -> Any:
            job = completion.prepare(
                session,
                prompt,
                session.native_sampling(sampling),
                adapters,
                suffix=suffix,
                max_tokens=max_tokens,
                logprobs=logprobs,
                echo=echo,
                stop=stop,
                seed=seed,
                model=model,
                processors=logits_processor,
                criteria=any_of(stopping_criteria),
                include_usage=includes_usage(stream_options),
            )
            return run(session, job)

        return share(several(start, n, seed))

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
        *,
        stream_options: Optional[ChatCompletionStreamOptions] = None,
        n: int = 1,
        loras: Optional[Dict[str, float]] = None,
        **more: Any,
    ) -> Union[CreateCompletionResponse, Iterator[CreateCompletionStreamResponse]]:
        """Continues a text; see create_completion()."""
        return self.create_completion(
            prompt,
            suffix=suffix,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            logprobs=logprobs,
            echo=echo,
            stop=stop,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            repeat_penalty=repeat_penalty,
            top_k=top_k,
            stream=stream,
            seed=seed,
            tfs_z=tfs_z,
            mirostat_mode=mirostat_mode,
            mirostat_tau=mirostat_tau,
            mirostat_eta=mirostat_eta,
            model=model,
            stopping_criteria=stopping_criteria,
            logits_processor=logits_processor,
            grammar=grammar,
            logit_bias=logit_bias,
            loras=loras,
            stream_options=stream_options,
            n=n,
            **more,
        )

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
        *,
        max_completion_tokens: Optional[int] = None,
        stream_options: Optional[ChatCompletionStreamOptions] = None,
        n: int = 1,
        parallel_tool_calls: Optional[bool] = None,
        chat_template_kwargs: Optional[Dict[str, Any]] = None,
        reasoning_format: Optional[ChatCompletionReasoningFormat] = None,
        reasoning_budget: Optional[int] = None,
        reasoning_effort: Optional[str] = None,
        loras: Optional[Dict[str, float]] = None,
        **more: Any,
    ) -> Union[CreateChatCompletionResponse, Iterator[CreateChatCompletionStreamResponse]]:
        """Answers a chat.

        Sampling arguments and `loras` are those of generate(), the others those of
        create_completion() or:

        Args:
            messages: OpenAI's messages: dicts with "role" and "content". The answer continues a
                last message of the assistant, which it does not repeat.
            functions: functions that the model may call, as OpenAI once had them; use `tools`.
            function_call: "none", "auto" or {"name": ...}; use `tool_choice`.
            tools: functions that the model may call, each with a JSON schema of its arguments.
            tool_choice: "none", "auto" (default with tools), "required" (or "any"), or
                {"type": "function", "function": {"name": ...}}, or just its name, for this one.
            response_format: {"type": "json_object"}, optionally with "schema", or
                {"type": "json_schema", "json_schema": {"schema": ...}}: the answer is such JSON.
            logprobs: give the log probabilities of the answer's tokens.
            top_logprobs: and of this many others at each place.
            max_completion_tokens: OpenAI's newer name of max_tokens; None: until the context is
                full.
            parallel_tool_calls: whether an answer may have several tool calls; default as the chat
                format does.
            chat_template_kwargs: variables of the chat template, such as
                {"enable_thinking": False}; they go before those of the attribute of this name.
            reasoning_format: "none" (default) leaves the model's thoughts in the content; "auto",
                "deepseek" or "deepseek-legacy" give them as `reasoning_content`.
            reasoning_budget: the most tokens of a thought, which then ends with its closing tag;
                0: none (`enable_thinking` is False), -1: no bound.
            reasoning_effort: OpenAI's: "none" is a budget of 0; others reach the template.

        Returns:
            OpenAI's chat completion as a dict; with stream=True its chunks.

        Raises:
            ChatTemplateError: the template refuses these messages (a ValueError).
            LlamaChatCompletionHandlerNotFoundException: there is no such chat_format.
            and the errors of create_completion().
        """
        checked_more("create_chat_completion", more)
        self._session.context()
        handler = (
            self.chat_handler
            or self._chat_handlers.get(self.chat_format or "")
            or llama_chat_format.get_chat_completion_handler(self.chat_format or "")
        )
        arguments = {
            "llama": self,
            "messages": messages,
            "functions": functions,
            "function_call": function_call,
            "tools": tools,
            "tool_choice": tool_choice,
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "min_p": min_p,
            "typical_p": typical_p,
            "stream": stream,
            "stop": stop,
            "seed": seed,
            "response_format": response_format,
            "max_tokens": max_tokens,
            "presence_penalty": presence_penalty,
            "frequency_penalty": frequency_penalty,
            "repeat_penalty": repeat_penalty,
            "tfs_z": tfs_z,
            "mirostat_mode": mirostat_mode,
            "mirostat_tau": mirostat_tau,
            "mirostat_eta": mirostat_eta,
            "model": model,
            "logits_processor": logits_processor,
            "grammar": grammar,
            "logit_bias": logit_bias,
            "logprobs": logprobs,
            "top_logprobs": top_logprobs,
        }
        optional = {
            "stream_options": stream_options,
            "parallel_tool_calls": parallel_tool_calls,
            "reasoning_format": reasoning_format,
            "reasoning_budget": reasoning_budget,
            "reasoning_effort": reasoning_effort,
            "loras": loras,
            **more,
        }
        return share(
            call_handler(
                handler,
                arguments,
                n=n,
                max_completion_tokens=max_completion_tokens,
                template_kwargs={**self.chat_template_kwargs, **(chat_template_kwargs or {})},
                optional=optional,
            )
        )

    def create_chat_completion_openai_v1(self, *args: Any, **kwargs: Any):
        """Answers a chat like create_chat_completion(), with objects of the package `openai`."""
        try:
            from openai.types.chat import ChatCompletion, ChatCompletionChunk
        except ImportError as error:
            raise ImportError(
                "create_chat_completion_openai_v1 needs the openai package: pip install openai"
            ) from error
        answer: Any = self.create_chat_completion(*args, **kwargs)
        if isinstance(answer, dict):
            return ChatCompletion(**answer)
        return share(ChatCompletionChunk(**chunk) for chunk in answer)

    # ---- embeddings

    @checked
    def create_embedding(
        self,
        input: Union[str, List[str]],
        model: Optional[str] = None,
        *,
        loras: Optional[Dict[str, float]] = None,
    ) -> CreateEmbeddingResponse:
        """Embeds one text or several; returns OpenAI's response as a dict. See embed()."""
        texts = [input] if isinstance(input, str) else list(input)
        vectors, n_tokens = self.embed(texts, return_count=True, loras=loras)
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
        *,
        loras: Optional[Dict[str, float]] = None,
    ):
        """Embeds one text or several.

        Args:
            input: a text, or a list of texts.
            normalize: scale vectors to length 1.
            truncate: cut texts longer than n_batch tokens; otherwise they raise ValueError.
            return_count: return (result, number of tokens).
            loras: LoRA adapters; see generate().

        Returns:
            For a text its vector (list of float, n_embd long); with pooling type NONE a list of
            vectors, one per token; with RANK the scores. For a list of texts a list of those.

        Raises:
            RuntimeError: the model was created without embedding=True.
        """
        texts = [input] if isinstance(input, str) else list(input)
        session, adapters = self._session, self._session.choose(loras)
        with session.lock:
            vectors, n_tokens = embedding.embed(session, texts, normalize, truncate, adapters)
        result = vectors[0] if isinstance(input, str) else vectors
        return (result, n_tokens) if return_count else result

    @checked
    def rank(
        self,
        query: str,
        documents: List[str],
        truncate: bool = True,
        *,
        loras: Optional[Dict[str, float]] = None,
    ) -> List[float]:
        """Returns how well each document answers the query; higher is better.

        Needs a reranking model created with embedding=True (and pooling_type RANK, which is the
        default of such models). Texts are cut to n_batch tokens unless truncate=False. `loras`: see
        generate().
        """
        session, adapters = self._session, self._session.choose(loras)
        with session.lock:
            return embedding.rank(session, query, documents, truncate, adapters)

    # ---- state

    def save_state(self) -> LlamaState:
        """Returns a copy of everything evaluated so far."""
        with self._session.lock:
            return self._session.save()

    @checked
    def load_state(self, state: LlamaState) -> None:
        """Goes back to a state of save_state(), of this Llama or of one created alike.

        Raises StateError (a ValueError) when it belongs to another model or a larger context, or
        was evaluated with LoRA adapters that are not loaded.
        """
        with self._session.lock:
            self._session.load(state)

    def close(self) -> None:
        """Frees the model's memory now. Later calls raise ClosedError; closing again does nothing.

        Without it the memory is freed when nothing refers to this object any longer.
        """
        if "_stack" in self.__dict__:
            self._stack.close()
        self._session.close()
        self._chat_handlers.clear()  # a parsed template takes a megabyte

    def __getstate__(self):
        """Pickling keeps the arguments; unpickling loads the model again."""
        options = {**values(self._model_options), **values(self._context_options)}
        state = {**options, **self._arguments, "seed": self._seed}
        if self.chat_format != self._default_format:
            state["chat_format"] = self.chat_format
        for name in _PICKLED_ATTRIBUTES:
            state[name] = getattr(self, name)
        state["loras"] = self._session.adapters.saved()
        return state

    def __setstate__(self, state):
        attributes = {name: state.pop(name) for name in _PICKLED_ATTRIBUTES if name in state}
        loras = state.pop("loras", None)  # pickled before there were several
        self.__init__(**state)
        if loras is not None:
            self._session.restore_adapters(loras)
        for name, value in attributes.items():
            setattr(self, name, value)

    # ---- helpers that others call

    @staticmethod
    def logits_to_logprobs(
        logits: Union[npt.NDArray[np.single], List], axis: int = -1
    ) -> npt.NDArray[np.single]:
        """Returns the logarithms of the softmax of `logits` along `axis`."""
        logits = np.asarray(logits, dtype=np.single)
        largest = np.max(logits, axis=axis, keepdims=True)
        shifted = logits - np.where(np.isfinite(largest), largest, 0)
        with np.errstate(divide="ignore"):
            return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))

    @staticmethod
    def longest_token_prefix(a: Sequence[int], b: Sequence[int]):
        """Returns how many tokens `a` and `b` have in common at their beginning."""
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
        # Not in llama-cpp-python
        *,
        mmproj_filename: Optional[str] = None,
        **kwargs: Any,
    ) -> Llama:
        """Downloads a model from the Hugging Face hub, with its projector, and loads it.

        Needs the package `huggingface_hub`.

        Args:
            repo_id: "owner/name".
            filename: the GGUF file, or a pattern (``*Q4_K_M.gguf``) that fits exactly one file;
                of a split model the first part.
            additional_files: further files or patterns to download (the other parts).
            local_dir: directory to put the files into, instead of the hub's cache.
            local_dir_use_symlinks: has no effect; current huggingface_hub versions ignore it.
            cache_dir: directory of the hub's cache.
            mmproj_filename: the file of the projector, or a pattern that fits exactly one file.
                Default is the file with "mmproj" in its name that is in the model's directory or
                in one above; the nearest directory counts. Of several it is the one whose type
                has a number of bits nearest to that of the model's, as the names say, and of
                equals the first: find_best_sibling() of llama.cpp's common/download.cpp.
                Without a name no projector is looked for with `vocab_only`, or with a
                `chat_handler`, which may have its own.
            kwargs: arguments of Llama(). With `mmproj_path` among them no projector is downloaded;
                ``mmproj_path=None`` loads the model without one.

        Raises:
            ValueError: no file or several files fit a pattern.
        """
        from . import _pretrained

        directories = {"local_dir": local_dir, "cache_dir": cache_dir}
        has_own = kwargs.get("chat_handler") is not None or kwargs.get("vocab_only")
        if "mmproj_path" in kwargs or (mmproj_filename is None and has_own):
            path = _pretrained.download(repo_id, filename, additional_files, **directories)
            return cls(model_path=path, **kwargs)
        path, projector = _pretrained.download_with_projector(
            repo_id, filename, additional_files, mmproj_filename, **directories
        )
        if projector is not None:
            kwargs["mmproj_path"] = projector
        return cls(model_path=path, **kwargs)


def _warn_about_unknown(kwargs: Dict[str, Any]) -> None:
    known = list(inspect.signature(Llama.__init__).parameters)[2:-1]
    for name, value in kwargs.items():
        # None asks for nothing: LangChain's LlamaCppEmbeddings passes its own device=None.
        if name in _NO_LONGER_NEEDED or value is None:
            continue
        warnings.warn(
            f"Llama() has no parameter {name!r}, so it is ignored;"
            f" the nearest it has is {kinds.nearest(name, known)!r}",
            stacklevel=4,
        )


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
    "SpeculativeOptions",
    "StoppingCriteria",
    "StoppingCriteriaList",
    "set_verbose",
    "suppress_stdout_stderr",
]
__all__ += llama_types.__all__
