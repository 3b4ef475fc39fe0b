"""LoRA adapters: the loaded ones by name, and the choice that tokens are evaluated with.

A control vector is a part of the choice.

Numbers that one choice has computed are of no use to another, so evaluated tokens, saved states and
cached prompts carry the identity of theirs. It is made of the files' contents: names and paths may
differ between objects and processes that share a cache.
"""

from __future__ import annotations

import dataclasses
import os
import struct
import threading
import warnings
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .. import _core
from .._errors import AdapterError
from . import kinds, paths
from .control_vectors import ControlVector, load

Identity = Tuple[Tuple[Any, ...], ...]

_CHUNK = 1 << 20  # bytes that are hashed at once


@dataclasses.dataclass(eq=False)
class Lora:
    """An adapter; `digest` is that of its file, and `native` None once it is unloaded."""

    name: str
    path: paths.StrPath
    native: Optional[_core.LoraAdapter]
    digest: str


class Choice:
    """Adapters with their scales, and a control vector or none.

    Attributes:
        identity: Equal for choices that compute the same numbers.
    """

    def __init__(self, scales: Mapping[Lora, float], vector: Optional[ControlVector]) -> None:
        self.scales = {lora: scale for lora, scale in scales.items() if scale != 0}
        self.vector = vector
        loras = sorted(("lora", lora.digest, scale) for lora, scale in self.scales.items())
        self.identity: Identity = (*loras, *([vector.identity] if vector else ()))

    @property
    def key_prefix(self) -> List[int]:
        """Negative numbers of 32 bits that stand before the tokens in the key of a prompt cache.

        None without adapters, so that such keys are the tokens.
        """
        if not self.identity:
            return []
        import hashlib  # see media.py

        digest = hashlib.blake2b(repr(self.identity).encode(), digest_size=16).digest()
        return [-1 - (number >> 1) for number in struct.unpack(">4I", digest)]

    def without(self, lora: Lora) -> Choice:
        """Returns the choice of the other adapters."""
        others = {each: scale for each, scale in self.scales.items() if each is not lora}
        return Choice(others, self.vector)

    def apply(self, context: _core.Context) -> None:
        """Makes a context evaluate with these adapters and no others."""
        if self.vector is None:
            context.clear_control_vector()
        else:
            self.vector.apply(context)
        context.clear_lora()
        for lora, scale in self.scales.items():
            native = lora.native
            if native is None:
                raise AdapterError(f"The LoRA adapter {lora.name!r} was unloaded before its use")
            context.set_lora(native, scale)


class Adapters:
    """The adapters of a model by name. Safe to use from several threads.

    Attributes:
        default: The choice of calls that make none; its control vector is that of all calls.
    """

    def __init__(self, model: _core.Model) -> None:
        self._model = model
        self._lock = threading.RLock()  # a signal handler may load, too
        self._loaded: Dict[str, Lora] = {}
        self.default = Choice({}, None)

    def close(self) -> None:
        """Frees all adapters, of which each keeps the model's memory."""
        with self._lock:
            for name in list(self._loaded):
                self.unload(name).native = None

    def names(self) -> List[str]:
        """Returns the names, in the order of loading."""
        with self._lock:
            return list(self._loaded)

    def load(self, path: paths.StrPath, name: Optional[str] = None) -> str:
        """Loads an adapter and returns its name, by default the file's without ``.gguf``.

        Raises:
            ModelLoadError: the file is no adapter of this model.
            AdapterError: another adapter has the name.
        """
        return self._load(path, _default_name(path) if name is None else name).name

    def _load(self, path: paths.StrPath, name: str) -> Lora:
        if not name:
            raise AdapterError("The name of a LoRA adapter is empty\nLeave it out, or give one.")
        native = _core.LoraAdapter(self._model, path)
        if native.invocation_tokens:
            warnings.warn(
                f"The LoRA adapter {paths.shown(path)} is made for the tokens after"
                f" {native.invocation_tokens} (aLoRA), and is applied to all tokens here",
                stacklevel=2,
            )
        lora = Lora(name, path, native, _digest(path))
        with self._lock:
            known = self._loaded.setdefault(name, lora)
        if known.digest != lora.digest:
            raise AdapterError(
                f"Another LoRA adapter has the name {name!r}: {paths.shown(known.path)}\n"
                f"Load this one as load_lora(path, name=...), or unload_lora({name!r}) first."
            )
        return known

    def unload(self, name: str) -> Lora:
        """Forgets an adapter and returns it, not freed. AdapterError for an unknown name."""
        with self._lock:
            lora = self._named(name)
            del self._loaded[name]
            self.default = self.default.without(lora)
            return lora

    def choose(self, scales: Optional[Mapping[str, float]]) -> Choice:
        """Returns the choice of a call.

        Args:
            scales: name or path -> factor. An adapter that is given by its path is loaded, if need
                be, and has the path as its name. None: the default.

        Raises:
            AdapterError: there is neither an adapter nor a file of this name.
            ModelLoadError: the file is no adapter of this model.
        """
        if scales is None:
            return self.default
        chosen: Dict[Lora, float] = {}
        for name, scale in scales.items():
            lora = self._found(name)
            chosen[lora] = chosen.get(lora, 0.0) + scale
        return Choice(chosen, self.default.vector)

    def _found(self, name: str) -> Lora:
        with self._lock:
            loaded = dict(self._loaded)
        if name not in loaded and os.path.isfile(name):
            for lora in loaded.values():
                if _is_same_file(lora.path, name):
                    return lora
            return self._load(name, name)
        return self._named(name)

    def _named(self, name: str) -> Lora:
        with self._lock:
            if name in self._loaded:
                return self._loaded[name]
            raise AdapterError(_why_unknown(name, list(self._loaded)))

    def with_identity(self, identity: Identity) -> Optional[Choice]:
        """Returns the choice that has an identity; None if an adapter of it is not loaded."""
        with self._lock:
            by_digest = {lora.digest: lora for lora in self._loaded.values()}
        scales = {
            by_digest[digest]: scale
            for kind, digest, scale, *_ in identity
            if kind == "lora" and digest in by_digest
        }
        choices = (Choice(scales, vector) for vector in (None, self.default.vector))
        return next((choice for choice in choices if choice.identity == identity), None)

    # ---- pickling

    def saved(self) -> Dict[str, Any]:
        """Returns names, paths and the default, for restore()."""
        with self._lock:
            vector = self.default.vector
            return {
                "paths": {name: lora.path for name, lora in self._loaded.items()},
                "scales": {lora.name: scale for lora, scale in self.default.scales.items()},
                "vector": vector and (vector.files, vector.first, vector.last),
            }

    def restore(self, saved: Dict[str, Any]) -> Choice:
        """Loads the adapters of saved(), and no others; returns their default."""
        for name in self.names():
            if name not in saved["paths"]:
                self.unload(name).native = None
        for name, path in saved["paths"].items():
            if name not in self.names():
                self._load(path, name)
        vector = saved["vector"] and load(self._model, *saved["vector"])
        return Choice(self.choose(saved["scales"]).scales, vector)


def scales(name: str, value: Any) -> Dict[str, float]:
    """A dict from an adapter's name or path to its scale; see :mod:`kinds`."""
    if not isinstance(value, Mapping):
        raise kinds.refused(TypeError, name, "a dict from the name of a LoRA to its scale", value)
    return {_key(name, key): _scale(f"{name}[{key!r}]", scale) for key, scale in value.items()}


def _key(name: str, key: Any) -> str:
    return os.fsdecode(kinds.path(f"A key of {name}", key))


def _scale(name: str, value: Any) -> float:
    """llama.cpp calculates with 32 bits: two numbers that are one there are one choice."""
    return struct.unpack("f", struct.pack("f", kinds.number()(name, value)))[0]


def _default_name(path: paths.StrPath) -> str:
    name = os.path.basename(os.fsdecode(path))
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name


def _is_same_file(a: paths.StrPath, b: paths.StrPath) -> bool:
    try:
        return os.path.samefile(os.fsdecode(a), os.fsdecode(b))
    except OSError:  # one of them is no longer there
        return False


def _digest(path: paths.StrPath) -> str:
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _why_unknown(name: str, known: List[str]) -> str:
    message = f"There is no LoRA adapter named {paths.shown(name)!r}, and no such file\n"
    if not known:
        return message + "Load one first: llm.load_lora(path) returns its name."
    nearest = kinds.nearest(name, known)
    return message + f"Did you mean {nearest!r}? Loaded: {', '.join(map(repr, known))}."
