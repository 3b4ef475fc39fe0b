"""`cuda12_toolkit`: CUDA 12 as one tree: Debian's programs and NVIDIA's wheels, or CUDA12_PATH."""

load(
    "@llama_cpp_python//bazel/pip:look_up.bzl",
    "FIND_FILE_ATTRS",
    "PIP_ENVIRONMENT",
)
load("@llama_cpp_python//third_party/cuda:cuda12.bzl", "CUDA12_WHEELS")
load(":repositories.bzl", "download_wheels", "link_libraries", "named_toolkit")

# Path below the root of Debian's package -> path in the tree.
_PROGRAMS = {
    "usr/bin/bin2c": "bin/bin2c",
    "usr/bin/cudafe++": "bin/cudafe++",
    "usr/bin/fatbinary": "bin/fatbinary",
    "usr/bin/nvlink": "bin/nvlink",
    "usr/bin/ptxas": "bin/ptxas",
    "usr/lib/nvidia-cuda-toolkit/bin/cicc": "nvvm/bin/cicc",
    "usr/lib/nvidia-cuda-toolkit/bin/nvcc": "bin/nvcc",
}

# Where nvcc finds the others. Debian's has absolute paths.
_PROFILE = """\
TOP = $(_HERE_)/..
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
PATH += $(_HERE_):$(TOP)/nvvm/bin:
INCLUDES += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/lib"
"""

# CUDA 12 has two sets of declarations of isnan() and the like: for libstdc++, and for the libc++
# of a system with this macro. Elsewhere the macro means more, so it is defined for these headers
# alone.
_MATH_HEADER = """\
#define __HORIZON__
#include "{}"
#undef __HORIZON__
"""

_MATH_HEADERS = {
    "math_functions.h": "math_functions_of_nvidia.h",
    "math_functions.hpp": "math_functions_of_nvidia.hpp",
}

_FACTS = """\
\"\"\"Facts of the toolkit.\"\"\"

MISSING = ""
"""

_FACTS_WITHOUT = """\
\"\"\"Facts of the toolkit.\"\"\"

load("@cuda12_programs//:debian_packages.bzl", _MISSING = "MISSING")

MISSING = _MISSING
"""

def _copy_programs(rctx):
    """Copies Debian's programs; returns whether there are any."""
    root = rctx.path(rctx.attr._programs).dirname
    if not root.get_child("usr/bin/ptxas").exists:
        return False
    for source, copy in _PROGRAMS.items():
        # Not a link: nvcc looks for the others beside the file that it is.
        rctx.execute(["mkdir", "-p", copy.rpartition("/")[0]])
        result = rctx.execute(["cp", "-f", str(root.get_child(source)), copy])
        if result.return_code:
            fail("cuda12_toolkit: " + result.stderr.strip())
    return True

def _link_toolkit(rctx, path):
    """Links the user's toolkit, whose two headers get other names."""
    for folder in ["bin", "nvvm"]:
        rctx.symlink(path.get_child(folder), folder)
    for child in path.get_child("include").readdir():
        if child.basename != "crt":
            rctx.symlink(child, "include/" + child.basename)
    crt = path.get_child("include", "crt")
    for child in crt.readdir() if crt.exists else []:
        name = _MATH_HEADERS.get(child.basename, child.basename)
        rctx.symlink(child, "include/crt/" + name)
    link_libraries(rctx, path)

def _assemble(rctx):
    """Puts the tree together; returns whether its programs could be had."""
    if not _copy_programs(rctx):
        return False
    download_wheels(rctx, CUDA12_WHEELS)
    rctx.file("bin/nvcc.profile", _PROFILE)
    for name, new_name in _MATH_HEADERS.items():
        rctx.execute(["mv", "include/crt/" + name, "include/crt/" + new_name])
    return True

def _cuda12_toolkit_impl(rctx):
    path = named_toolkit(rctx, rctx.getenv("CUDA12_PATH"), "CUDA12_PATH")
    found = True
    if path:
        _link_toolkit(rctx, path)
    else:
        found = _assemble(rctx)
    if found:
        for name, new_name in _MATH_HEADERS.items():
            rctx.file("include/crt/" + name, _MATH_HEADER.format(new_name))
    rctx.file("facts.bzl", _FACTS if found else _FACTS_WITHOUT)
    rctx.file("BUILD.bazel", rctx.read(rctx.attr._build_file))

cuda12_toolkit = repository_rule(
    implementation = _cuda12_toolkit_impl,
    attrs = FIND_FILE_ATTRS | {
        "_build_file": attr.label(
            default = Label("//cuda/private:toolkit.BUILD"),
        ),
        "_programs": attr.label(
            default = Label("@cuda12_programs//:BUILD.bazel"),
        ),
    },
    doc = "One tree of bin, include, lib and nvvm.",
    environ = ["CUDA12_PATH"] + PIP_ENVIRONMENT,
)
