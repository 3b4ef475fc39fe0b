"""Facts about the command lines of a backend's library."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

from nested_bazel import Workspace

Action = dict[str, Any]
# Makes a toolkit's files in a directory; returns the variables that name it.
Environment = Callable[[Path], dict[str, str]]


@dataclass(frozen=True)
class Compiles:
    """Compile actions with the same flags.

    Attributes:
        query: Of `bazel aquery`.
        flags: Words of every command line.
        sources: Returns the sources, each of which is compiled once, as they are named behind
            `below`.
        below: End of the directory that the names of sources start from.
        values: Option -> the word that follows it.
        environment: Variable of the compiler's environment -> value.
    """

    query: str
    flags: tuple[str, ...]
    sources: Callable[[Workspace], Iterable[str]]
    below: str = "/"
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Architectures:
    """GPU architectures, which a flag chooses.

    Attributes:
        prefix: Of a word of the command line that names one.
        release: Those of a release, in the order of the command line.
        flag: The flag, with `=`.
        others: Value of the flag -> the architectures that it asks for.
        wrong: Value of the flag -> the message.
    """

    prefix: str
    release: list[str]
    flag: str
    others: dict[str, list[str]]
    wrong: dict[str, str]


@dataclass(frozen=True)
class CommandLines:
    """The facts of one accelerator, `FACTS` of its command_line_facts.py.

    Attributes:
        library: Target of the library with the backend.
        environment: Makes a toolkit and returns the variables that name it.
        refused: Name of a case -> a toolkit that is refused, and the message.
        compiles: Name of a kind of compile actions -> its facts.
        options: Options of Bazel that choose the platform, if it is not the machine's.
        architectures: None if the kernels are compiled for no architecture.
    """

    library: str
    environment: Environment
    refused: dict[str, tuple[Environment, str]]
    compiles: dict[str, Compiles]
    options: tuple[str, ...] = ()
    architectures: Optional[Architectures] = None


def value_of(words: list[str], option: str) -> str:
    """Returns the word that follows an option on a command line."""
    return words[words.index(option) + 1]
