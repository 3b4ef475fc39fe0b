"""Puts the differences between two versions of llama.cpp into words."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Iterator

from . import cpu_variants, defaults, headers, overlay, patches, versions
from .changes import differences
from .source import Source

HEADERS = {
    "llama.h": "include/llama.h",
    "ggml.h": "ggml/include/ggml.h",
    "mtmd.h": "tools/mtmd/mtmd.h",
}
# The cheap ones first. Counts of docs/caching.md are those of its tests.
_TESTS = [
    "./bazelw build @llama_cpp//:vendored_headers //:wheel",
    "./bazelw test //tests/package/... //tests/wheel/... //tests/build/flags/...",
    "./bazelw test //tests/native/numerics/...",
    "./bazelw test //tests/upstream/programs/...",
    "./bazelw test //tests/accelerators/cuda/... //tests/accelerators/rocm/...",
    "./bazelw test //tests/accelerators/metal/... //tests/accelerators/vulkan/...",
    "./bazelw test //tests/caches/...",
    "python3 tests/caches/update_table.py",
    "./bazelw run //tools/reference:update",
    "./bazelw test //...",
]


def read_header(tree: Path, name: str) -> headers.Header:
    """Returns the declarations of one of HEADERS."""
    return headers.parse((tree / HEADERS[name]).read_text(encoding="utf-8"))


def header_changes(old: Path, new: Path) -> Iterator[str]:
    """Yields the differences of the public headers, and of the defaults of their parameters."""
    for name in HEADERS:
        changes = headers.compare(read_header(old, name), read_header(new, name))
        yield from _section(name, map(str, changes))
    yield from _section("defaults of parameters", map(str, defaults.compare(old, new)))


def file_changes(project: Path, old: Path, new: Path) -> Iterator[str]:
    """Yields the differences of the libraries' file lists, and files outside of the overlay."""
    before, after = overlay.Overlay(project, old), overlay.Overlay(project, new)
    for name, library in after.libraries.items():
        was = before.libraries[name]
        if not library.compiled and not was.compiled:
            continue
        yield from _section(
            f"{name}: {len(was.compiled)} compiled files, then {len(library.compiled)}",
            _library(was, library),
        )
    works = differences("work", versions.vendored(old), versions.vendored(new))
    yield from _section("vendored works", map(str, works))
    yield from _section("CPU variants", map(str, cpu_variants.compare(old, new)))
    yield from _section(
        "new files beside those of a library, compiled by none", overlay.not_taken(before, after)
    )


def _library(old: overlay.Library, new: overlay.Library) -> Iterator[str]:
    for kind in ("compiled", "headers"):
        was, now = getattr(old, kind), getattr(new, kind)
        yield from (f"- {path}" for path in sorted(was - now))
        yield from (f"+ {path}" for path in sorted(now - was))
    for path in sorted(new.missing - old.missing):
        yield f"! {path} is named in the overlay and is gone"
    for pattern in sorted(new.empty_globs - old.empty_globs):
        yield f"! the glob {pattern} of the overlay matches nothing"


def patch_results(names: dict[str, str], tree: Path) -> list[patches.Result]:
    """Applies the project's patches to the new sources, in their order."""
    patched = patches.Tree(tree)
    return [patched.apply(name, text) for name, text in names.items()]


def patch_changes(results: list[patches.Result]) -> Iterator[str]:
    """Yields the patches that have moved, and the failing ones with their hunks."""
    lines: list[str] = []
    for result in results:
        if result.moved:
            lines.append(f"~ {result.name}: {result.moved} hunks have moved")
        for hunk in result.ambiguous:
            lines.append(f"? {result.name} fits more than one place; the nearest was taken:")
            lines += _indented(hunk)
        if result.is_upstream:
            lines.append(f"! {result.name}: the new sources have these changes; delete them:")
        elif result.failed:
            lines.append(f"! {result.name} no longer applies:")
        for hunk in result.failed:
            lines += _indented(hunk)
    yield from _section("patches", lines)


def _indented(hunk: patches.Hunk) -> list[str]:
    return [f"    {line}" for line in str(hunk).split("\n")]


def next_steps(source: Source) -> Iterator[str]:
    """Yields the commands to type next."""
    yield "\n== tests to run, in this order"
    if source.pin is None:
        # Prints the flag to build with.
        yield f"third_party/llama.cpp/use_checkout.sh {source.tree}"
    yield from _TESTS


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n== {title}"
    listed = list(lines)
    yield from listed or ["no difference"]
