"""Facts about the command lines of ggml's CUDA backend with CUDA 12."""

from __future__ import annotations

from pathlib import Path

from accelerator_table import library_target
from command_lines import Architectures, CommandLines, Compiles
from toolkits import make_toolkit
from upstream_sources import BELOW, cuda_sources

LIBRARY = library_target("cuda12")


def _environment(root: Path) -> dict[str, str]:
    return {"CUDA12_PATH": str(make_toolkit(root / "toolkit", major=12))}


FACTS = CommandLines(
    library=LIBRARY,
    options=("--config=cuda12",),
    environment=_environment,
    refused={
        "empty": (
            lambda root: {"CUDA12_PATH": str(root)},
            "is no CUDA toolkit: it has no bin/nvcc; correct CUDA12_PATH",
        ),
    },
    compiles={
        "cuda": Compiles(
            query=f'mnemonic("CudaCompile", deps({LIBRARY}))',
            below=BELOW,
            sources=cuda_sources,
            flags=(
                "-O3",
                "-use_fast_math",
                "-extended-lambda",
                "-objtemp",
                "-DGGML_CUDA_USE_GRAPHS",
                "-DGGML_BACKEND_BUILD",
                "-D_ALLOW_UNSUPPORTED_LIBCPP",
                "-fvisibility=hidden",
            ),
            environment={"PATH": "/usr/bin:/bin"},
        ),
    },
    # Of ggml/src/ggml-cuda/CMakeLists.txt for CUDA below 12.8: 50 to 90.
    architectures=Architectures(
        prefix="-gencode=",
        release=[
            "arch=compute_50,code=sm_50",
            "arch=compute_60,code=sm_60",
            "arch=compute_61,code=sm_61",
            "arch=compute_70,code=sm_70",
            "arch=compute_75,code=sm_75",
            "arch=compute_80,code=sm_80",
            "arch=compute_86,code=sm_86",
            "arch=compute_89,code=sm_89",
            "arch=compute_90,code=sm_90",
            "arch=compute_90,code=compute_90",
        ],
        flag="--@rules_cuda//cuda:archs=",
        others={"sm_61;sm_70": ["arch=compute_61,code=sm_61", "arch=compute_70,code=sm_70"]},
        wrong={"sm61": '"sm61" is no CUDA architecture; write sm_90'},
    ),
)
