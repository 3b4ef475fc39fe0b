"""Settings of the server: command line, environment (the upper-case names), or a config file.

The first 8 + 48 have the names and defaults of llama-cpp-python 0.3.36, with the exceptions that
docs/moving.md lists. The others are this package's.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Literal, Optional, Union

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .. import llama_cpp as _c
from .._media.policy import MediaPolicy

_MEDIA = MediaPolicy()

# Between two comments of a stream that has nothing else to send: sse-starlette's default, which
# llama-cpp-python has.
PING_SECONDS = 15


class ModelSettings(BaseSettings):
    """A model, and how it is loaded."""

    model_config = SettingsConfigDict(protected_namespaces=())

    model: str = Field(description="Path of the GGUF file; with hf_model_repo_id a file's name.")
    model_alias: Optional[str] = Field(
        default=None, description="Name of the model in requests. Default: the name of its file."
    )
    n_gpu_layers: Union[int, Literal["auto"]] = Field(
        default=0, description="Layers on the GPU. -1: all; auto: as many as fit."
    )
    split_mode: int = Field(
        default=_c.LLAMA_SPLIT_MODE_LAYER,
        ge=0,
        le=3,
        description="How several GPUs share the model: 0 one GPU, 1 by layers, 2 by rows,"
        " 3 by tensors.",
    )
    main_gpu: int = Field(default=0, ge=0, description="The GPU to use where one is used.")
    tensor_split: Optional[List[float]] = Field(
        default=None, description="Proportions of the model on each GPU."
    )
    vocab_only: bool = Field(default=False, description="No effect.")
    use_mmap: bool = Field(
        default=_c.llama_supports_mmap(), description="Map the file into memory."
    )
    use_mlock: bool = Field(
        default=_c.llama_supports_mlock(),
        description="Keep the model in RAM, as far as the limits allow.",
    )
    kv_overrides: Optional[List[str]] = Field(
        default=None,
        description="Metadata to replace: key=type:value, of type bool, int, float or str.",
    )
    rpc_servers: Optional[str] = Field(
        default=None,
        description="Machines that run `python -m llama_cpp rpc-server`, host:port each with commas"
        " between them, whose devices hold layers, too (n_gpu_layers). Nothing is encrypted.",
    )
    seed: int = Field(
        default=_c.LLAMA_DEFAULT_SEED, description="Seed of requests without one. Default: random."
    )
    n_ctx: int = Field(
        default=2048,
        ge=0,
        description="Tokens of each request. 0: as trained, for all slots together.",
    )
    n_batch: int = Field(
        default=512, ge=1, description="Most tokens per call, of all slots together."
    )
    n_ubatch: int = Field(default=512, ge=1, description="Most tokens per computation.")
    n_threads: Optional[int] = Field(
        default=None,
        ge=1,
        description="Threads for generating. -1: all CPUs. Default: the cores that may be used.",
    )
    n_threads_batch: Optional[int] = Field(
        default=None,
        ge=0,
        description="Threads for reading prompts. -1: all CPUs. Default: n_threads.",
    )
    rope_scaling_type: int = Field(
        default=_c.LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED,
        ge=-1,
        le=2,
        description="RoPE scaling: -1 the model's, 0 none, 1 linear, 2 YaRN.",
    )
    rope_freq_base: float = Field(default=0.0, description="RoPE base frequency. 0: the model's.")
    rope_freq_scale: float = Field(default=0.0, description="RoPE frequency scale. 0: the model's.")
    yarn_ext_factor: float = Field(
        default=-1.0, description="YaRN extrapolation mix. -1: the model's."
    )
    yarn_attn_factor: float = Field(default=1.0, description="YaRN attention magnitude.")
    yarn_beta_fast: float = Field(default=32.0, description="YaRN low correction.")
    yarn_beta_slow: float = Field(default=1.0, description="YaRN high correction.")
    yarn_orig_ctx: int = Field(
        default=0, ge=0, description="YaRN original context. 0: the model's."
    )
    mul_mat_q: bool = Field(default=True, description="No effect: llama.cpp chooses.")
    logits_all: bool = Field(default=True, description="No effect: logprobs need no setting.")
    embedding: bool = Field(default=False, description="Serve embeddings instead of texts.")
    offload_kqv: bool = Field(default=True, description="Keep the KV cache on the GPU.")
    flash_attn: bool = Field(
        default=False, description="Use flash attention. Default: llama.cpp decides."
    )
    last_n_tokens_size: int = Field(
        default=64,
        ge=0,
        description="Tokens that repeat_penalty looks at, where a request does not say.",
    )
    lora_base: Optional[str] = Field(default=None, description="No effect: adapters need no base.")
    lora_path: Optional[str] = Field(default=None, description="A LoRA adapter.")
    numa: Union[bool, int] = Field(
        default=False, description="NUMA strategy: true or 1 distribute, 2 isolate, 3 numactl."
    )
    chat_format: Optional[str] = Field(
        default=None, description="Chat format. Default: the template in the model's file."
    )
    chat_template_kwargs: Optional[Dict[str, Any]] = Field(
        default=None, description="Arguments of the chat template, in all requests; a JSON object."
    )
    clip_model_path: Optional[str] = Field(
        default=None, description="The projector with which the model reads images and sounds."
    )
    cache: bool = Field(
        default=False, description="Keep prompts of slots that other requests need."
    )
    cache_type: Literal["ram", "disk"] = Field(
        default="ram", description="No effect: it is in RAM."
    )
    cache_size: int = Field(default=2 << 30, ge=0, description="Bytes of the cache.")
    hf_tokenizer_config_path: Optional[str] = Field(
        default=None,
        description="A tokenizer_config.json, whose template is used with"
        " --chat_format hf-tokenizer-config.",
    )
    hf_pretrained_model_name_or_path: Optional[str] = Field(
        default=None, description="No effect: the tokenizer of the model's file is used."
    )
    hf_model_repo_id: Optional[str] = Field(
        default=None, description="Repository of the Hugging Face hub to download the model from."
    )
    draft_model: Optional[str] = Field(
        default=None,
        description="Speculative decoding: prompt-lookup-decoding, another way to guess such as"
        " ngram-mod or mtp, or the path of a draft model.",
    )
    draft_model_num_pred_tokens: int = Field(
        default=10,
        ge=1,
        description="Most tokens of a draft; where it is not set, llama.cpp's default.",
    )
    type_k: Union[int, str, None] = Field(
        default=None, description="Type of the K cache: ggml's number, or a name such as q8_0."
    )
    type_v: Union[int, str, None] = Field(
        default=None, description="Type of the V cache: ggml's number, or a name such as q8_0."
    )
    verbose: bool = Field(default=True, description="Show llama.cpp's messages.")

    # ---- this package's

    n_parallel: int = Field(
        default=4,
        ge=1,
        description="Slots: requests that are computed together; others wait for one.",
    )
    devices: Optional[str] = Field(
        default=None, description="Devices to use, with commas between; none: the CPU alone."
    )
    pooling: Optional[Literal["none", "mean", "cls", "last", "rank"]] = Field(
        default=None, description="How embeddings of tokens become one; rank serves /v1/rerank."
    )
    kv_unified: bool = Field(default=False, description="One pool of tokens for all slots.")
    chat_template: Optional[str] = Field(
        default=None, description="A Jinja template instead of the one in the model's file."
    )
    loras: Optional[Dict[str, float]] = Field(
        default=None, description="LoRA adapters: path -> scale; a JSON object."
    )
    slot_save_path: Optional[str] = Field(
        default=None, description="Directory of saved slots. Default: slots cannot be saved."
    )
    llama_options: List[str] = Field(
        default_factory=list, description="Further options of llama-server."
    )

    @model_validator(mode="before")
    @classmethod
    def _all_cpus(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in ("n_threads", "n_threads_batch"):
                if str(values.get(name)) == "-1":
                    values = {**values, name: os.cpu_count() or 1}
        return values

    @field_validator("n_gpu_layers")
    @classmethod
    def _layers(cls, value: Union[int, str]) -> Union[int, str]:
        if isinstance(value, int) and value < -1:
            raise ValueError("it has to be at least -1")
        return value

    @property
    def name(self) -> str:
        """Returns the name of the model in requests and answers; it is no path."""
        return self.model_alias or os.path.basename(self.model)


class ServerSettings(BaseSettings):
    """The server itself, for all of its models."""

    host: str = Field(default="localhost", description="Address to listen at.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen at.")
    ssl_keyfile: Optional[str] = Field(default=None, description="Key for HTTPS, a PEM file.")
    ssl_certfile: Optional[str] = Field(
        default=None, description="Certificate for HTTPS, a PEM file."
    )
    api_key: Optional[str] = Field(
        default=None, min_length=1, description="Key that every request needs, but for /health."
    )
    interrupt_requests: bool = Field(
        default=True,
        description="No effect: requests are computed together, none interrupts another.",
    )
    disable_ping_events: bool = Field(
        default=False, description="Send no comments in streams while nothing else is to be sent."
    )
    root_path: str = Field(default="", description="Path prefix that a reverse proxy takes away.")

    # ---- this package's

    max_models: int = Field(
        default=1, ge=1, description="Models in memory; the one unused for longest makes room."
    )
    max_memory_mib: Optional[int] = Field(
        default=None,
        ge=1,
        description="MiB of the files of all models in memory. Default: no limit.",
    )
    max_queue: int = Field(
        default=128,
        ge=0,
        description="Requests of a model that wait for a slot; more get status 503.",
    )
    max_body_mib: int = Field(
        default=64, ge=1, description="MiB of a request; more get status 413."
    )
    max_prompt_chars: int = Field(
        default=4 << 20,
        ge=1,
        description="Characters and tokens of a request, images and sounds aside.",
    )
    max_media: int = Field(default=16, ge=0, description="Images and sounds of a request.")
    max_header_kib: int = Field(default=64, ge=1, description="KiB of a request's headers.")
    media_allow_http: bool = Field(
        default=_MEDIA.allow_http, description="Load images and sounds from http: addresses, too."
    )
    media_allow_files: Optional[str] = Field(
        default=None, description="Directory whose files file: addresses may name. Default: none."
    )
    media_allow_private: bool = Field(
        default=_MEDIA.allow_private,
        description="Load images and sounds from private networks, too.",
    )
    media_max_image_bytes: int = Field(
        default=_MEDIA.max_image_bytes, ge=1, description="Bytes of an image's file."
    )
    media_max_sound_bytes: int = Field(
        default=_MEDIA.max_sound_bytes, ge=1, description="Bytes of a sound's file."
    )
    media_max_pixels: int = Field(
        default=_MEDIA.max_pixels, ge=1, description="Pixels of an image."
    )
    media_max_seconds: float = Field(
        default=_MEDIA.max_seconds, gt=0, description="Length of a sound."
    )
    media_timeout: float = Field(
        default=_MEDIA.timeout, gt=0, description="Seconds for a download."
    )
    media_max_redirects: int = Field(
        default=_MEDIA.max_redirects, ge=0, description="Redirects of a download."
    )
    cors_origins: List[str] = Field(
        default_factory=list,
        description='Origins whose web pages may call the server; "*": all. Default: none.',
    )
    unknown_model: Literal["error", "default"] = Field(
        default="error",
        description="A request for an unknown model: status 404, or the first model.",
    )
    timeout_graceful_shutdown: Optional[int] = Field(
        default=None,
        ge=0,
        description="Seconds that running requests have at the end. Default: no limit.",
    )

    @property
    def media_policy(self) -> MediaPolicy:
        """Returns the rules for images and sounds of requests."""
        names = (name for name in type(self).model_fields if name.startswith("media_"))
        return MediaPolicy(**{name[len("media_") :]: getattr(self, name) for name in names})


class Settings(ServerSettings, ModelSettings):
    """The server with one model."""


class ConfigFileSettings(ServerSettings):
    """A config file: settings of the server, and its models."""

    models: List[ModelSettings] = Field(
        default_factory=list, description="The models; the first one is the default."
    )
