"""The features that each CPU variant of GGML needs, and the features of this processor.

The needs are written down here from llama.cpp's build files, and not asked of the package under
test, so that a variant that ought to run and does not is a failure.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path

import llama_cpp

LIBRARY = re.compile(r"libggml-cpu-([\w.]+)\.so")
LIB_DIR = Path(llama_cpp.__file__).parent / "lib"

HASWELL = {"sse4_2", "avx", "avx2", "bmi2", "f16c", "fma"}
SKYLAKEX = HASWELL | {"avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"}
ZEN4 = SKYLAKEX | {"avx512vbmi", "avx512_vnni", "avx512_bf16"}

# Names of features as /proc/cpuinfo writes them.
X86_64: dict[str, set[str]] = {
    "x64": set(),
    "sse42": {"sse4_2"},
    "sandybridge": {"sse4_2", "avx"},
    "ivybridge": {"sse4_2", "avx", "f16c"},
    "piledriver": {"sse4_2", "avx", "f16c", "fma"},
    "haswell": HASWELL,
    "skylakex": SKYLAKEX,
    "cannonlake": SKYLAKEX | {"avx512vbmi"},
    "cascadelake": SKYLAKEX | {"avx512_vnni"},
    "icelake": SKYLAKEX | {"avx512vbmi", "avx512_vnni"},
    "cooperlake": SKYLAKEX | {"avx512_vnni", "avx512_bf16"},
    "zen4": ZEN4,
    "alderlake": HASWELL | {"avx_vnni"},
    "sapphirerapids": ZEN4 | {"amx_tile", "amx_int8"},
}

FP16_DOT = {"asimddp", "fphp", "asimdhp"}
AARCH64: dict[str, set[str]] = {
    "armv8.0_1": set(),
    "armv8.2_1": {"asimddp"},
    "armv8.2_2": FP16_DOT,
    "armv8.2_3": FP16_DOT | {"sve"},
    "armv8.6_1": FP16_DOT | {"sve", "i8mm"},
    "armv8.6_2": FP16_DOT | {"sve", "i8mm", "sve2"},
    "armv9.2_1": FP16_DOT | {"sve", "i8mm", "sme"},
    "armv9.2_2": FP16_DOT | {"sve", "i8mm", "sve2", "sme"},
}


def shipped() -> list[str]:
    """Returns the names of the variants in the installed package."""
    names = (LIBRARY.fullmatch(path.name) for path in LIB_DIR.glob("libggml-cpu-*.so"))
    return sorted(match[1] for match in names if match)


def runnable() -> list[str]:
    """Returns the shipped variants that this processor can run."""
    return [name for name in shipped() if needs()[name] <= host_features()]


def needs() -> dict[str, set[str]]:
    """Returns a mapping: variant name -> needed features, for this machine's architecture."""
    return {"x86_64": X86_64, "aarch64": AARCH64}[platform.machine()]


def host_features() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return set(value.split())
    raise RuntimeError("/proc/cpuinfo lists no features of the processor")
