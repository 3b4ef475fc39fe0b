"""Directories that are made once and shared by all workspaces and Bazel output roots of a user.

They lie beside bazelw's files, outside of any Bazel output root, which users delete more easily.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import _offline  # noqa: F401
import user_cache
from locks import locked


def root() -> Path:
    """Returns the directory that holds them all; it exists."""
    return user_cache.folder("pythons")


def kept(
    name: str,
    make: Callable[[Path, Path, Path], None],
    try_out: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Returns the directory of a name, made where it is missing.

    A failure or an interruption leaves nothing there, and of several processes one makes it and the
    others wait.

    Args:
        name: its name.
        make: fills its first argument, a directory that does not exist and will be renamed to the
            second; the third is a directory for scratch files.
        try_out: raises an exception when the directory, in its place, does not work.
    """
    final = root() / name
    with locked(root() / f"{name}.lock", f"Bazel that makes {name}"):
        if final.exists():
            return final
        # Nobody else is at work: this was left by an interrupted run.
        for leftover in root().glob(f"tmp-{name}-*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(dir=root(), prefix=f"tmp-{name}-") as scratch:
            unfinished = Path(scratch, "made")
            make(unfinished, final, Path(scratch))
            unfinished.rename(final)
            try:
                try_out(final)
            except BaseException:
                final.rename(unfinished)
                raise
    return final
