"""The files of each library, out of the overlay itself."""

from __future__ import annotations

from pathlib import Path

from conftest import Write

from tools.bump import report
from tools.bump.overlay import Overlay, not_taken

_VARIANTS = "    ggml_add_cpu_backend_variant(x64)\n    ggml_add_cpu_backend_variant(zen4 AVX{})\n"
SOURCES = {
    "ggml/src/CMakeLists.txt": _VARIANTS.format(""),
    "ggml/src/ggml.c": "",
    "ggml/src/ggml-quants.cpp": "",
    "ggml/src/ggml-backend-reg.cpp": "",
    "ggml/src/ggml-cpu/ggml-cpu.c": "",
    "ggml/src/ggml-cpu/quants.c": "",
    "ggml/src/ggml-cpu/arch/x86/quants.c": "",
    "ggml/src/ggml-cuda/common.cuh": "",
    "ggml/src/ggml-cuda/mma/tile.cuh": "",
    "ggml/src/ggml-cuda/mmq.cu": "",
    "ggml/src/ggml-cuda/template-instances/fattn-vec-instance-f16-f16.cu": "",
    "ggml/src/ggml-cuda/template-instances/fattn-vec-instance-q5_0-f16.cu": "",
    "ggml/src/ggml-metal/kernels/add.metal": "",
    "ggml/src/ggml-vulkan/ggml-vulkan.cpp": "",
    "ggml/src/ggml-vulkan/vulkan-shaders/add.comp": "",
    "src/llama.cpp": "",
    "src/models/bert.cpp": "",
    "common/chat.cpp": "",
    "tools/mtmd/mtmd.cpp": "",
}


def test_libraries(project: Path, write_tree: Write) -> None:
    libraries = Overlay(project, write_tree("tree", SOURCES)).libraries
    compiled = {name: library.compiled for name, library in libraries.items()}
    cuda = {
        "ggml/src/ggml-cuda/mmq.cu",
        # Only the pairs of types that the overlay names.
        "ggml/src/ggml-cuda/template-instances/fattn-vec-instance-f16-f16.cu",
    }
    assert compiled["ggml-cuda"] == compiled["ggml-hip"] == cuda
    assert "ggml/src/ggml-cuda/mma/tile.cuh" in libraries["ggml-cuda"].headers
    assert "ggml/src/ggml-cpu/quants.c" in compiled["ggml-cpu"]
    assert compiled["ggml-base"] == {"ggml/src/ggml.c", "ggml/src/ggml-quants.cpp"}
    assert "ggml/src/ggml-metal/kernels/add.metal" in compiled["ggml-metal"]
    assert "ggml/src/ggml-vulkan/vulkan-shaders/add.comp" in compiled["ggml-vulkan"]
    assert compiled["llama"] == {"src/llama.cpp", "src/models/bert.cpp"}
    assert compiled["llama-common"] == {"common/chat.cpp"}
    assert compiled["mtmd"] == {"tools/mtmd/mtmd.cpp"}


def test_changes(project: Path, write_tree: Write) -> None:
    old = write_tree("old", SOURCES)
    new = write_tree(
        "new",
        {
            **SOURCES,
            "ggml/src/CMakeLists.txt": _VARIANTS.format("  BMI2"),
            "src/llama-new.cpp": "",
            "src/deep/other.cpp": "",
            "vendor/other/other.h": "",
            "vendor/stb/stb_image.h": None,
            "ggml/src/ggml-other/device.cpp": "",
            "common/chat.cpp": None,
            "ggml/src/ggml-cpu/quants.c": None,
        },
    )
    lines = list(report.file_changes(project, old, new))
    assert "+ src/llama-new.cpp" in lines
    assert "- common/chat.cpp" in lines
    assert "- work vendor/stb: stb_image 94.1" in lines
    assert "+ work vendor/other: " in lines
    assert "~ CPU variant zen4:\n    - AVX\n    + AVX BMI2" in lines
    assert "! ggml/src/ggml-cpu/quants.c is named in the overlay and is gone" in lines
    assert "! the glob common/*.cpp of the overlay matches nothing" in lines
    assert "\n== llama: 2 compiled files, then 3" in lines
    # Another backend's are none of ours.
    overlays = (Overlay(project, tree) for tree in (old, new))
    assert not_taken(*overlays) == ["src/deep/other.cpp"]


def test_the_same_tree_has_no_changes(project: Path, write_tree: Write) -> None:
    tree = write_tree("tree", SOURCES)
    lines = list(report.file_changes(project, tree, tree))
    assert {line for line in lines if not line.startswith("\n== ")} == {"no difference"}
