"""Evaluates the BUILD overlay over a source tree: which files go into which library.

Starlark's syntax is Python's. Rules are recorded, and everything that is not a path stays opaque.
"""

from __future__ import annotations

import dataclasses
import re
import types
from pathlib import Path
from typing import Any, Callable, Iterator

_OVERLAY = "third_party/llama.cpp"
_BUILD_FILE = "llama_cpp.BUILD"
# Links objects: it takes no file of the sources.
_LINKING = "native_library.bzl"
_OWN_LABEL = re.compile(rf"^(?:@llama_cpp_python)?(?://{re.escape(_OVERLAY)})?:(.+\.bzl)$")
# Labels of other targets, and files that the overlay writes.
_GENERATED = (":", "@", "//", "generated/")
_COMPILED = (".c", ".cpp", ".cu", ".m", ".comp", ".metal")
_HEADERS = (".h", ".hpp", ".cuh", ".glsl")


@dataclasses.dataclass
class Library:
    """The sources of a library of the overlay: paths below the tree."""

    compiled: set[str] = dataclasses.field(default_factory=set)
    headers: set[str] = dataclasses.field(default_factory=set)
    missing: set[str] = dataclasses.field(default_factory=set)
    empty_globs: set[str] = dataclasses.field(default_factory=set)


class _Opaque:
    """Stands for any value that is no path: labels of others, select(), rule objects."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> _Opaque:
        return self

    def __getattr__(self, name: str) -> _Opaque:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: Any) -> _Opaque:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __format__(self, _spec: str) -> str:
        return ":opaque"

    def _same(self, _other: Any) -> _Opaque:
        return self

    def __radd__(self, other: Any) -> Any:
        return other if isinstance(other, list) else self

    def __add__(self, other: Any) -> Any:
        return self.__radd__(other)

    __or__ = __ror__ = __mod__ = _same


class Overlay:
    """Evaluates the overlay of a project over a tree.

    Attributes:
        libraries: Name of a library -> its sources.
        files: Every file of the tree.
    """

    def __init__(self, project: Path, tree: Path) -> None:
        self.libraries: dict[str, Library] = {}
        self._folder = project / _OVERLAY
        self._tree = tree
        self.files = sorted(
            str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()
        )
        self._modules: dict[str, dict[str, Any]] = {}
        self._current = Library()
        self._build()

    def _build(self) -> None:
        names = self._names(self._load_macro)
        exec(compile(self._text(_BUILD_FILE), _BUILD_FILE, "exec"), names)

    def _text(self, name: str) -> str:
        return (self._folder / name).read_text(encoding="utf-8")

    def _names(self, wrap: Callable[[Any], Any]) -> dict[str, Any]:
        """Returns the global names of a file; `wrap` is put around the values that it loads."""
        names: dict[str, Any] = {}

        def load(label: str, *symbols: str, **renamed: str) -> None:
            own = _OWN_LABEL.match(label)
            module = self._module(own[1]) if own and own[1] != _LINKING else None
            for new, symbol in [*((symbol, symbol) for symbol in symbols), *renamed.items()]:
                # Constants of others are opaque, their rules and macros record their arguments.
                other = _Opaque() if symbol.isupper() else self._rule
                names[new] = wrap(module[symbol]) if module else other

        opaque = _Opaque()
        for name in ("Label", "attr", "depset", "package", "licenses", "provider", "select"):
            names[name] = opaque
        names.update(
            exports_files=opaque,
            fail=opaque,
            filegroup=self._rule,
            glob=self._glob,
            load=load,
            rule=lambda **_attributes: self._rule,
            native=types.SimpleNamespace(
                alias=opaque,
                filegroup=self._rule,
                glob=self._glob,
                package_relative_label=opaque,
            ),
            struct=types.SimpleNamespace,
        )
        return names

    def _module(self, name: str) -> dict[str, Any]:
        if name not in self._modules:
            names = self._names(lambda value: value)
            exec(compile(self._text(name), name, "exec"), names)
            self._modules[name] = names
        return self._modules[name]

    def _load_macro(self, value: Any) -> Any:
        """Wraps a macro of the BUILD file: its targets belong to the library that it names."""
        if not callable(value):
            return value

        def macro(**arguments: Any) -> None:
            self._current = self.libraries.setdefault(arguments["name"], Library())
            value(**arguments)
            self._current = Library()

        return macro

    def _rule(self, *_args: Any, **attributes: Any) -> _Opaque:
        for name in ("srcs", "hdrs", "textual_hdrs", "includes", "src"):
            value = attributes.get(name, [])
            for path in [value] if isinstance(value, str) else value:
                if isinstance(path, str) and not path.startswith(_GENERATED):
                    self._take(path)
        return _Opaque()

    def _take(self, path: str) -> None:
        if path not in self.files:
            # Include directories are no files.
            if path.endswith(_COMPILED + _HEADERS):
                self._current.missing.add(path)
        elif path.endswith(_COMPILED):
            self._current.compiled.add(path)
        elif path.endswith(_HEADERS):
            self._current.headers.add(path)

    def _glob(
        self, patterns: list[str], exclude: list[str] = (), allow_empty: bool = False
    ) -> list[str]:
        found: set[str] = set()
        for pattern in patterns:
            matches = self._matches(pattern)
            if not matches and not allow_empty:
                self._current.empty_globs.add(pattern)
            found |= matches
        for pattern in exclude:
            found -= self._matches(pattern)
        return sorted(found)

    def _matches(self, pattern: str) -> set[str]:
        expression = re.compile(_expression(pattern))
        return {path for path in self.files if expression.fullmatch(path)}


def _expression(pattern: str) -> str:
    """Returns the regular expression of a glob: `*` ends at a slash, `**/` doesn't."""
    return re.escape(pattern).replace(r"\*\*/", "(?:.+/)?").replace(r"\*", "[^/]*")


def not_taken(old: Overlay, new: Overlay) -> list[str]:
    """Returns new source files in and below the libraries' directories that no library compiles."""
    taken = set().union(*(library.compiled for library in new.libraries.values()))
    folders = {
        path.rpartition("/")[0] for library in old.libraries.values() for path in library.compiled
    }
    # Below it are backends that this project doesn't build.
    below = tuple(f"{folder}/" for folder in folders - {"ggml/src"})
    return [
        path
        for path in sorted(set(new.files) - set(old.files) - taken)
        if path.endswith(_COMPILED)
        and (path.rpartition("/")[0] in folders or path.startswith(below))
    ]
