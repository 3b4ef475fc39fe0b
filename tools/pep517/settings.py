"""`Settings`: the values of `-C key=value` (PEP 517's `config_settings`)."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shlex
from typing import Any, Iterator, Mapping, Optional, Sequence

from . import interpreter
from .errors import BuildError
from .project import Project

_KEYS = ("abi", "backend", "bazel-args", "local-label", "output-user-root")
_AUTO = "auto"
# The part after the + of a version, in the spelling that all tools keep (PEP 440).
_LOCAL_LABEL = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Every choice, with `auto` resolved.

    Attributes:
        backend: Accelerator.
        abi: ABI tag of Python.
        local_label: Part of the version after the +; empty for none.
        bazel_args: Further arguments of `bazel build`.
        output_user_root: Directory for everything that Bazel writes, or empty for its own choice.
    """

    backend: str
    abi: str
    local_label: str
    bazel_args: tuple[str, ...]
    output_user_root: str


def parse(config_settings: Optional[Mapping[str, Any]], project: Project) -> Settings:
    """Returns the settings; front ends give strings, lists of strings, or nothing at all.

    Raises:
        BuildError: a key or a value that is not known.
    """
    given = config_settings or {}
    for key in given:
        if key not in _KEYS:
            raise BuildError(
                f"-C {key} is no setting{_nearest(key, _KEYS)}; there are {_list(_KEYS)}"
            )
    backend = _backend(_single(given, "backend", project.default_accelerator), project)
    return Settings(
        backend=backend,
        abi=_abi(_single(given, "abi", _AUTO), project.abis),
        local_label=_local_label(_single(given, "local-label", ""), project.accelerators[backend]),
        bazel_args=tuple(_words(given, "bazel-args")),
        output_user_root=_folder(_single(given, "output-user-root", "")),
    )


def _strings(given: Mapping[str, Any], key: str) -> list[str]:
    value = given.get(key)
    values = [] if value is None else value if isinstance(value, (list, tuple)) else [value]
    for item in values:
        if not isinstance(item, str):
            raise BuildError(f"-C {key} takes text, not {item!r}")
    return list(values)


def _single(given: Mapping[str, Any], key: str, default: str) -> str:
    values = list(dict.fromkeys(_strings(given, key)))
    if len(values) > 1:
        raise BuildError(f"-C {key} was given as {' and as '.join(values)}: give it once")
    return values[0] if values else default


def _words(given: Mapping[str, Any], key: str) -> Iterator[str]:
    for text in _strings(given, key):
        try:
            yield from shlex.split(text)
        except ValueError as error:
            raise BuildError(f"-C {key}={text} cannot be split into words: {error}") from error


def _choice(key: str, value: str, valid: Sequence[str]) -> str:
    if value not in valid:
        raise BuildError(
            f"-C {key}={value} is not known{_nearest(value, valid)}; {key} is one of {_list(valid)}"
        )
    return value


def _backend(value: str, project: Project) -> str:
    value = _choice("backend", value, [_AUTO, *project.accelerators])
    return project.default_accelerator if value == _AUTO else value


def _abi(value: str, abis: list[str]) -> str:
    if _choice("abi", value, [_AUTO, *abis]) != _AUTO:
        return value
    running = interpreter.abi()
    if running not in abis:
        raise BuildError(
            f"the Python that runs this build is {running}, for which no wheel can be built: run"
            f" another one, or build for another one with -C abi=, one of {_list(abis)}"
        )
    return running


def _local_label(value: str, of_accelerator: str) -> str:
    if value == _AUTO:
        return of_accelerator
    if value and not _LOCAL_LABEL.fullmatch(value):
        raise BuildError(
            f"-C local-label={value} is no local version label: give lower-case letters and digits,"
            f" with single dots between them, {_AUTO} for the backend's own, or nothing for none"
        )
    return value


def _folder(value: str) -> str:
    folder = os.path.expanduser(value)
    if folder and not os.path.isabs(folder):
        raise BuildError(f"-C output-user-root={value} is a relative path: give an absolute one")
    return folder


def _nearest(value: str, valid: Sequence[str]) -> str:
    near = difflib.get_close_matches(value, valid, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
