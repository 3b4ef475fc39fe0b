"""From the arguments of Engine() to llama-server's options."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Literal, Mapping, NamedTuple, Optional, Sequence, Union

from .. import _core
from .._backends.remote import checked_servers, load_rpc, warn_unless_used
from .._engine.speculative_options import SpeculativeOptions, resolve
from .._engine.threads import default_threads
from .drafts import draft_options

# Those that reach other machines, programs, and files of the server; the last ones end the process.
# Each with all of its names in llama.cpp's common/arg.cpp.
_REFUSED = (
    *("--model-url", "-mu", "--hf-repo", "-hf", "-hfr", "--hf-file", "-hff"),
    *("--spec-draft-hf", "-hfd", "-hfrd", "--hf-repo-draft", "--docker-repo", "-dr"),
    *("--mmproj-url", "-mmu", "--rpc", "--tools", "--tools-runtime", "--agent", "-ag"),
    *("--mcp-servers-config", "--mcp-servers-json", "--ui-mcp-proxy", "--webui-mcp-proxy"),
    "--media-path",
    *("--help", "-h", "--usage", "--version", "--cache-list", "-cl", "--list-devices"),
    "--completion-bash",
)

_CALLER = 3  # stack level of the code that calls Engine(), above device_addresses()


class EngineOptions(NamedTuple):
    """The arguments of Engine()."""

    model_path: str
    n_parallel: int
    n_ctx: int
    n_batch: int
    n_ubatch: int
    n_threads: Optional[int]
    n_threads_batch: Optional[int]
    n_gpu_layers: Union[int, Literal["auto"]]
    devices: Optional[Union[str, Sequence[str]]]
    rpc_servers: Optional[Union[str, Sequence[str]]]
    embedding: bool
    pooling: Optional[str]
    kv_unified: bool
    flash_attn: Optional[bool]
    type_k: Optional[str]
    type_v: Optional[str]
    mmproj_path: Optional[str]
    loras: Mapping[str, float]
    chat_template: Optional[str]
    chat_template_kwargs: Mapping[str, Any]
    cache_ram_mib: int
    slot_save_path: Optional[str]
    model_alias: Optional[str]
    draft_model: Union[SpeculativeOptions, str, None]
    options: Sequence[str]

    def command_line(self) -> List[str]:
        """Returns llama-server's options.

        Raises:
            ValueError: some of `options`, or the draft model's options, are wrong.
            ModelLoadError: the draft model's file is missing.
        """
        _check(self.options)
        # Texts that are embedded together need one buffer, and one computation each: see
        # ContextHandle::check_pooling() in native/core/context_handle.cpp.
        unified = self.kv_unified or self.embedding
        n_ubatch = self.n_batch if self.embedding else self.n_ubatch
        line = [
            *("--model", os.fspath(self.model_path)),
            *("--parallel", str(self.n_parallel)),
            *("--ctx-size", str(self.n_ctx * self.n_parallel)),
            *("--batch-size", str(self.n_batch)),
            *("--ubatch-size", str(n_ubatch)),
            "--kv-unified" if unified else "--no-kv-unified",
            *("--flash-attn", {None: "auto", True: "on", False: "off"}[self.flash_attn]),
            *("--cache-ram", str(self.cache_ram_mib)),
            *("--chat-template-kwargs", json.dumps(dict(self.chat_template_kwargs))),
            *("--no-webui", "--offline", "--slots", "--metrics", "--no-warmup"),
        ]
        for name, value in self._optional().items():
            if value is not None:
                line += [name, value]
        if self.embedding:
            line.append("--rerank" if self.pooling == "rank" else "--embedding")
        for path, scale in self.loras.items():
            line += ["--lora-scaled", f"{os.fspath(path)}:{scale}"]
        drafts = resolve(self.draft_model)
        if drafts is not None:
            line += draft_options(drafts, self.n_gpu_layers)
        return [*line, *self.options]

    def device_addresses(self) -> List[int]:
        """Returns the devices where there are servers. RemoteServerError if one is not there."""
        if not self._has_servers():
            return []
        servers = checked_servers("rpc_servers", self.rpc_servers or "")
        load_rpc()
        warn_unless_used(servers, self.n_gpu_layers, _CALLER)
        return _core.device_addresses(self._device_names(), servers)

    def _has_servers(self) -> bool:
        return bool(self.rpc_servers) and self._device_names() != ["none"]

    def _device_names(self) -> List[str]:
        names = self.devices or ()
        return [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]

    def _optional(self) -> Dict[str, Optional[str]]:
        threads = default_threads().count if self.n_threads is None else self.n_threads
        batch = threads if self.n_threads_batch is None else self.n_threads_batch
        automatic = self.n_gpu_layers == "auto"
        return {
            "--threads": str(threads),
            "--threads-batch": str(batch),
            "--fit": "on" if automatic else "off",
            "--n-gpu-layers": None if automatic else str(self.n_gpu_layers),
            "--device": None if self._has_servers() else ",".join(self._device_names()) or None,
            "--pooling": None if self.pooling == "rank" else self.pooling,
            "--cache-type-k": self.type_k,
            "--cache-type-v": self.type_v,
            "--mmproj": self.mmproj_path,
            "--chat-template": self.chat_template,
            "--slot-save-path": self.slot_save_path,
            "--alias": self.model_alias,
        }


def _check(options: Sequence[str]) -> None:
    for option in options:
        name = option.partition("=")[0]
        # llama.cpp takes --model_url, too.
        if name in _REFUSED or (name[:2] == "--" and name.replace("_", "-") in _REFUSED):
            raise ValueError(
                f"options has {name!r}, which Engine does not take: it reaches beyond the model\n"
                "Leave it out."
            )
