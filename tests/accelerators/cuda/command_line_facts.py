"""Facts about the command lines of ggml's CUDA backend."""

from __future__ import annotations

from pathlib import Path

from accelerator_table import library_target
from command_lines import Architectures, CommandLines, Compiles
from toolkits import make_toolkit
from upstream_sources import BELOW, cuda_sources

LIBRARY = library_target("cuda")


def _environment(root: Path) -> dict[str, str]:
    return {"CUDA_PATH": str(make_toolkit(root / "toolkit"))}


FACTS = CommandLines(
    library=LIBRARY,
    environment=_environment,
    refused={
        "empty": (
            lambda root: {"CUDA_PATH": str(root)},
            "is no CUDA toolkit: it has no bin/nvcc",
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
                "-compress-mode=size",
                "-objtemp",
                "-DGGML_CUDA_USE_GRAPHS",
                "-DGGML_BACKEND_BUILD",
                "-fvisibility=hidden",
            ),
            environment={"PATH": "/usr/bin:/bin"},
        ),
    },
    architectures=Architectures(
        prefix="-gencode=",
        release=[
            "arch=compute_75,code=sm_75",
            "arch=compute_80,code=sm_80",
            "arch=compute_86,code=sm_86",
            "arch=compute_89,code=sm_89",
            "arch=compute_90,code=sm_90",
            "arch=compute_90,code=compute_90",
            "arch=compute_120a,code=sm_120a",
            "arch=compute_121a,code=sm_121a",
        ],
        flag="--@rules_cuda//cuda:archs=",
        others={
            "compute_80:sm_80,sm_86;compute_90": [
                "arch=compute_80,code=sm_80",
                "arch=compute_80,code=sm_86",
                "arch=compute_90,code=compute_90",
            ],
        },
        wrong={"sm90": '"sm90" is no CUDA architecture; write sm_90'},
    ),
)
