"""The sources of ggml's CUDA backend, as upstream's CMake collects them."""

from __future__ import annotations

import re

from nested_bazel import Workspace

_FOLDER = "ggml/src/ggml-cuda"
_GLOB = re.compile(r'file\(GLOB\s+\w+\s+"([^"]+\.cu)"\)')
# In the paths of sources on a command line.
BELOW = "/ggml-cuda/"
_PAIRS = re.compile(r'GGML_CUDA_FA_QUANTS "([^"]+)"')


def cuda_sources(workspace: Workspace) -> set[str]:
    """Returns paths below the backend's directory: of CMake's globs, and one per pair of types."""
    _, tree = workspace.external_repository("llama_cpp")
    globs = _GLOB.findall((tree / _FOLDER / "CMakeLists.txt").read_text())
    (pairs,) = _PAIRS.findall((tree / "ggml/CMakeLists.txt").read_text())
    assert len(globs) > 1, "CMake no longer collects the sources with file(GLOB ...)"
    folder = tree / _FOLDER
    found = {str(path.relative_to(folder)) for glob in globs for path in folder.glob(glob)}
    return found | {f"template-instances/fattn-vec-instance-{pair}.cu" for pair in pairs.split(";")}
