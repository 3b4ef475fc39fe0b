"""Python bindings of llama.cpp.

``import llama_cpp`` is cheap: it loads the native library and the backend that fits this CPU
(see :mod:`llama_cpp._backends.loader`), and no module of another package inside. Every public name
is looked up on first use, so numpy and the chat code are imported only by programs that need them.
"""

from __future__ import annotations

# All packages are imported before threads ask for modules in them. At the end of a package's import
# importlib takes it out of sys.modules for a moment; a thread that imports a module of it then gets
# a KeyError (Lib/importlib/_bootstrap.py, _load_unlocked and _find_and_load_unlocked).
from . import _capi, _chat, _engine, _media, _serving  # noqa: F401
from ._backends.loader import load
from ._build_info import LOCAL_LABEL, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._backends.devices import *  # noqa: F403
    from ._backends.required import *  # noqa: F403
    from ._engine.quantizing import *  # noqa: F403
    from ._errors import *  # noqa: F403
    from ._media.policy import *  # noqa: F403
    from ._serving.engine import *  # noqa: F403
    from ._serving.errors import *  # noqa: F403
    from .llama import *  # noqa: F403
    from .llama_cpp import *  # noqa: F403

# As the distribution is called: the local label names the accelerator (PEP 440).
__version__ = f"{VERSION}+{LOCAL_LABEL}" if LOCAL_LABEL else VERSION

load()

_SUBMODULES = frozenset(
    (
        "llama",
        "llama_cache",
        "llama_chat_format",
        "llama_cpp",
        "llama_grammar",
        "llama_speculative",
        "llama_tokenizer",
        "llama_types",
        "mtmd_cpp",
        "_internals",
    )
)

# The modules whose public names are names of the package; the C API last, since it takes a tenth of
# a second to import.
_PUBLIC = (
    "llama",
    "_backends.devices",
    "_backends.required",
    "_engine.quantizing",
    "_media.policy",
    "_serving.engine",
    "_serving.errors",
    "llama_cpp",
)

_C_PREFIXES = ("GGML_", "LLAMA_", "ggml_", "gguf_", "llama_")
_C_MODULES = ("_capi.constants", "llama_cpp")

# Names that `from llama_cpp import *` of llama-cpp-python hands out by accident (its modules have
# no __all__). Scripts in the wild lean on them, so they stay available.
_INCIDENTAL = {
    "TYPE_CHECKING": "typing",
    "Any": "typing",
    "Callable": "typing",
    "Deque": "typing",
    "Dict": "typing",
    "Generator": "typing",
    "Iterator": "typing",
    "List": "typing",
    "Literal": "typing",
    "NewType": "typing",
    "Optional": "typing",
    "Path": "pathlib",
    "Sequence": "typing",
    "Union": "typing",
    "annotations": "__future__",
    "deque": "collections",
}
_INCIDENTAL_MODULES = {
    "contextlib": "contextlib",
    "ctypes": "ctypes",
    "fnmatch": "fnmatch",
    "internals": "llama_cpp._internals",
    "json": "json",
    "multiprocessing": "multiprocessing",
    "np": "numpy",
    "npt": "numpy.typing",
    "os": "os",
    "pathlib": "pathlib",
    "random": "random",
    "sys": "sys",
    "time": "time",
    "typing": "typing",
    "uuid": "uuid",
    "warnings": "warnings",
}


def _submodule(name: str):
    from importlib import import_module

    return import_module(f"{__name__}.{name}")


def _public_names() -> list[str]:
    names = {*_INCIDENTAL, *_INCIDENTAL_MODULES}
    names.update(name for name in _SUBMODULES if not name.startswith("_"))
    for module in _PUBLIC:
        names.update(_submodule(module).__all__)
    names.update(name for name in vars(_submodule("_errors")) if name.endswith("Error"))
    return sorted(names)


def _find(name: str):
    from importlib import import_module

    if name == "__all__":
        return _public_names()
    if name in _SUBMODULES:
        return _submodule(name)
    if name in _INCIDENTAL_MODULES:
        return import_module(_INCIDENTAL_MODULES[name])
    if name in _INCIDENTAL:
        return getattr(import_module(_INCIDENTAL[name]), name)
    if not name.startswith("_"):
        first = _C_MODULES if name.startswith(_C_PREFIXES) else ("_errors",)
        for module in (*first, *_PUBLIC):
            found = getattr(_submodule(module), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'llama_cpp' has no attribute {name!r}")


def __getattr__(name: str):
    value = _find(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_public_names()})
