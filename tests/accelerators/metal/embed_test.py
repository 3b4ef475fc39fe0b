"""The text that is embedded for each Metal kernel equals that of upstream's build step, byte for
byte.

The step is a list of shell commands in ggml-metal/CMakeLists.txt; the test runs those very
commands.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import embed_metal
import pytest

_FILES = [Path(name).absolute() for name in os.environ["SOURCES"].split()]
_CMAKE = next(file for file in _FILES if file.name == "CMakeLists.txt")
_METAL = _CMAKE.parent
_KERNELS = _METAL / "kernels"

# CMake's variables for the shared headers -> the include in the kernel that brings the header in.
_INCLUDED = {
    "METALLIB_KERNELS_DEQUANTIZE": "dequantize.h",
    "METALLIB_KERNELS_QUANTIZE": "quantize.h",
    "METALLIB_KERNELS_FA_COMMON": "fa_common.metal",
    "METALLIB_KERNELS_FA_VEC_COMMON": "fa_vec_common.metal",
}


def _kinds() -> list[str]:
    """Kernels that CMake embeds."""
    (block,) = re.findall(r"set\(METALLIB_KERNEL_SOURCES\s([^)]*)\)", _CMAKE.read_text())
    return [Path(name).stem for name in block.split()]


def _commands() -> list[str]:
    """Returns the shell commands up to the embedded text, with CMake's variables in them."""
    found = re.findall(r"COMMAND ((?:cat|sed) .*)", _CMAKE.read_text())
    return [command for command in found if "EMBED" in command]


def _upstream(kind: str, folder: Path) -> bytes:
    source = _KERNELS / f"{kind}.metal"
    text = source.read_text()
    headers = [_KERNELS / "common.h"]
    headers += [_KERNELS / name for name in _INCLUDED.values() if f'#include "{name}"' in text]
    values = {
        "EMBED": folder / f"{kind}.metal",
        "HEADERS_FOR_SRC": " ".join(map(str, headers)),
        "METALLIB_COMMON": _METAL.parent / "ggml-common.h",
        "METALLIB_IMPL": _METAL / "ggml-metal-impl.h",
        "SRC": source,
    }
    for command in _commands():
        for name, value in values.items():
            command = command.replace(f"${{{name}}}", str(value))
        subprocess.run(["sh", "-c", command], check=True)
    return (folder / f"{kind}.metal").read_bytes()


def test_there_are_upstreams_kernels() -> None:
    shared = {"fa_common", "fa_vec_common"}
    kernels = {file.stem for file in _FILES if file.suffix == ".metal"}
    assert set(_kinds()) == kernels - shared
    assert len(_kinds()) == 35


def test_the_commands_are_those_that_this_was_written_for() -> None:
    assert [command.split()[0] for command in _commands()] == ["cat", "sed", "sed", "sed"]


@pytest.mark.parametrize("kind", _kinds())
def test_the_text_is_upstreams(kind: str, tmp_path: Path) -> None:
    expected = _upstream(kind, tmp_path)
    assert len(expected) > 10_000
    assert embed_metal.kernel_text(kind, _METAL.parent) == expected


def test_the_assembly_holds_the_text_between_its_symbols() -> None:
    text = bytes(range(256)) * 3
    lines = embed_metal.assembly("fa-f16", text).splitlines()
    start = lines.index("_ggml_metallib_fa_f16_start:")
    end = lines.index(".private_extern _ggml_metallib_fa_f16_end")
    numbers = [n for line in lines[start + 1 : end] for n in line[len(".byte ") :].split(",")]
    assert bytes(map(int, numbers)) == text
    assert lines[0] == ".section __DATA,__ggml_metallib"
