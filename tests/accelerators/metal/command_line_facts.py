"""Facts about the command lines of a build for a Mac.

docs/metal.md says how a real build was tried.
"""

from __future__ import annotations

from pathlib import Path

from accelerator_table import library_target
from command_lines import CommandLines, Compiles
from toolkits import make_files

LIBRARY = library_target("metal")
METAL = "--config=metal"
_SDK = [
    "System/Library/Frameworks/Foundation.framework/Foundation.tbd",
    "System/Library/Frameworks/Metal.framework/Headers/Metal.h",
    "System/Library/Frameworks/Metal.framework/Metal.tbd",
    "usr/lib/libobjc.tbd",
]
_VERSIONS = "#define __MAC_14_2 140200\n#define __MAC_15_1   150100\n#define __MAC_NA 9999\n"
_PYTHON = {
    "Python.h": "",
    "patchlevel.h": "#define PY_MAJOR_VERSION 3\n#define PY_MINOR_VERSION 13\n",
    "pyconfig.h": "",
}
_FLAGS = (
    "-O3",
    "-fvisibility=hidden",
    "-DGGML_METAL_EMBED_LIBRARY",
    "-DGGML_BACKEND_BUILD",
    "-DGGML_BACKEND_DL",
    "-D_DARWIN_C_SOURCE",
    # Of the SDK, and of the deployment target.
    "-D__MAC_OS_X_VERSION_MAX_ALLOWED=150100",
    "-D__MAC_OS_X_VERSION_MIN_REQUIRED=130000",
)
_TARGET = {"-target": "aarch64-macos.13.0"}
# Of ggml/src/ggml-metal/CMakeLists.txt.
_CXX = ["", "-common", "-device", "-fusion", "-ops", "-tuning"]
_OBJECTIVE_C = ["-context", "-device"]


def _write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text)


def _environment(root: Path) -> dict[str, str]:
    """Makes an SDK, and a Python's C headers."""
    sdk, python = root / "MacOSX.sdk", root / "python"
    make_files(sdk, _SDK)
    _write(sdk / "usr/include", {"AvailabilityVersions.h": _VERSIONS})
    _write(python / "include/python3.13", _PYTHON)
    return {"MACOS_SDK": str(sdk), "PYTHON_CP313_MACOS_AARCH64": str(python)}


FACTS = CommandLines(
    library=LIBRARY,
    options=(METAL,),
    environment=_environment,
    refused={
        "none": (lambda _: {"MACOS_SDK": ""}, "add --repo_env=MACOS_SDK="),
        "empty": (
            lambda root: {"MACOS_SDK": str(root)},
            "is no macOS SDK: it has none of",
        ),
    },
    compiles={
        "cxx": Compiles(
            query='mnemonic("CppCompile", @llama_cpp//:ggml-metal_objects)',
            sources=lambda _: [f"ggml-metal{unit}.cpp" for unit in _CXX],
            flags=(*_FLAGS, "-std=gnu++17"),
            values=_TARGET,
        ),
        "objective_c": Compiles(
            query='mnemonic("CppCompile", @llama_cpp//:ggml-metal_objc)',
            sources=lambda _: [f"ggml-metal{unit}.m.c" for unit in _OBJECTIVE_C],
            flags=_FLAGS,
            values={**_TARGET, "-x": "objective-c"},
        ),
    },
)
