"""Native files of a wheel for musl, which has no symbol versions: symbols of a newer musl."""

from __future__ import annotations

from collections.abc import Iterator

from . import systems
from .elf import Elf
from .wheel import Expected, musl_of


def check(path: str, elf: Elf, expected: Expected) -> Iterator[str]:
    """Yields symbols of the C library that a system of the platform tag need not have."""
    floors = [musl.musl for musl in map(musl_of, expected.platform_tag.split(".")) if musl]
    if not floors:
        return
    for library, version in elf.versions:
        if library in expected.system_libraries:
            yield (
                f"{path}: needs {version} of {library}, and musl's symbols have no versions; "
                "link it to musl (`--platforms=//platforms:linux_..._musl_1_2`)"
            )
    for symbol in elf.undefined:
        since = systems.MUSL_SYMBOLS.get(symbol, ())
        if since > (*min(floors), 0):
            yield (
                f"{path}: needs {symbol}, which musl has since {'.'.join(map(str, since))}, and a "
                f"system of {expected.platform_tag} need not have; do without it"
            )
