"""Facts about the command lines of ggml's HIP backend."""

from __future__ import annotations

from pathlib import Path

from accelerator_table import library_target, row
from command_lines import Architectures, CommandLines, Compiles
from toolkits import make_files
from upstream_sources import BELOW, cuda_sources

ROW = row("rocm")
_LIBRARY = library_target("rocm")
_ROCM = [
    "amdgcn/bitcode/ocml.bc",
    "include/hip/hip_runtime.h",
    "llvm/bin/clang++",
    "llvm/lib/clang/19/include/cuda_wrappers/cmath",
    "share/hip/version",
]
_VERSION = """\
#define HIP_VERSION_MAJOR {}
#define HIP_VERSION_MINOR {}
"""


def _environment(root: Path, major: int = 6, minor: int = 4) -> dict[str, str]:
    rocm = make_files(root / "rocm", _ROCM)
    (rocm / "include/hip/hip_version.h").write_text(_VERSION.format(major, minor))
    return {"ROCM_PATH": str(rocm)}


FACTS = CommandLines(
    library=_LIBRARY,
    environment=_environment,
    refused={
        "empty": (lambda root: {"ROCM_PATH": str(root)}, "is no ROCm with HIP"),
        "rocm7": (
            lambda root: _environment(root, major=7, minor=0),
            f"is ROCm 7.0; wheels are labelled {ROW['label']}",
        ),
    },
    compiles={
        "hip": Compiles(
            query=f'mnemonic("HipCompile", deps({_LIBRARY}))',
            below=BELOW,
            # Those of the CUDA backend.
            sources=cuda_sources,
            flags=(
                "-O3",
                "-DNDEBUG",
                "-D__HIP_PLATFORM_AMD__",
                "-DGGML_USE_HIP",
                "-DGGML_HIP_GRAPHS",
                "-DGGML_HIP_NO_VMM",
                "-DGGML_BACKEND_BUILD",
                "-D__GLIBC_MINOR__=17",
                "-fvisibility=hidden",
            ),
        ),
    },
    architectures=Architectures(
        prefix="--offload-arch=",
        release=ROW["variant"]["amd"]["gfx_arch"],
        flag="--//bazel/toolchains/hip:archs=",
        others={"gfx90a,gfx1100": ["gfx90a", "gfx1100"]},
        wrong={"sm_90": '"sm_90" is no AMD GPU architecture; write names such as gfx1100'},
    ),
)
