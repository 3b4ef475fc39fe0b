"""PyInstaller's hook: files that are opened, and modules that are imported, by name at run time."""

import os
from importlib.metadata import distributions
from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_submodules, copy_metadata

_PLUGINS = "llama-cpp-backend-"
_PLUGIN_GROUP = "llama_cpp.backends"


def _libraries(package, beside):
    """Returns the `lib` directory of a package, beside a module of it, as PyInstaller's binaries.

    The CPU probe is one too: binaries are executable in the program.
    """
    directory = os.path.join(os.path.dirname(find_spec(beside).origin), "lib")
    files = (os.path.join(directory, name) for name in sorted(os.listdir(directory)))
    return [(file, os.path.join(package, "lib")) for file in files]


def _plugins():
    """Yields distribution and package of each installed plug-in."""
    for distribution in distributions():
        name = (distribution.metadata["Name"] or "").replace("_", "-").lower()
        if name.startswith(_PLUGINS):
            for entry_point in distribution.entry_points:
                if entry_point.group == _PLUGIN_GROUP:
                    yield name, entry_point.value


binaries = _libraries("llama_cpp", "llama_cpp._core")
datas = copy_metadata("llama-cpp-python")
# The server needs packages that few programs have; those that import it are seen to do so.
hiddenimports = collect_submodules(
    "llama_cpp",
    filter=lambda name: not name.startswith(("llama_cpp._pyinstaller", "llama_cpp.server")),
)

for _distribution, _package in _plugins():
    binaries += _libraries(_package, _package)
    datas += copy_metadata(_distribution)
    hiddenimports += collect_submodules(_package)
