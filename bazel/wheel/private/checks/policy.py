"""What wheels may need from the systems they are installed on. Data only; add rows here and nowhere else."""

from __future__ import annotations

# Machine part of a platform tag -> (e_machine of ELF, architecture in the EXT_SUFFIX of CPython on Linux).
MACHINES = {
    "aarch64": ("EM_AARCH64", "aarch64-linux-gnu"),
    "x86_64": ("EM_X86_64", "x86_64-linux-gnu"),
}

# Machine part of a macOS platform tag -> cputype of Mach-O (mach/machine.h).
MACOS_MACHINES = {"arm64": 0x0100000C}

# Where every Mac has its libraries.
MACOS_SYSTEM_FOLDERS = ("/System/Library/Frameworks/", "/usr/lib/")

# Libraries that every glibc system has, and that the manylinux policies (PEP 600) let a wheel need. Their lists go on
# with X11, OpenGL and GLib, for which nothing here has a use.
SYSTEM_LIBRARIES = frozenset(
    (
        "ld-linux-aarch64.so.1",
        "ld-linux-x86-64.so.2",
        "libc.so.6",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libpthread.so.0",
        "librt.so.1",
        "libstdc++.so.6",
        "libutil.so.1",
    )
)

# glibc of a manylinux level -> newest symbol version by family, where the system's compiler runtime is used.
# A tag between two rows gets the older one; GLIBC itself is the number in the tag.
RUNTIME_LEVELS = {
    (2, 17): {"CXXABI": (1, 3, 7), "GCC": (4, 8, 0), "GLIBCXX": (3, 4, 19)},
    (2, 28): {"CXXABI": (1, 3, 11), "GCC": (7, 0, 0), "GLIBCXX": (3, 4, 24)},
    (2, 34): {"CXXABI": (1, 3, 13), "GCC": (7, 0, 0), "GLIBCXX": (3, 4, 29)},
}

# How upstream's libraries are called, and so those of every package with llama.cpp.
UPSTREAM_LIBRARIES = ("libggml", "libllama.", "libllama-", "libmtmd")
# Prefix of our own names (_OWN_PREFIX of native_library.bzl).
OWN_LIBRARIES = "libllama_cpp_python-"

# Platform tags from before PEP 600 -> glibc.
LEGACY_LEVELS = {"manylinux2014": (2, 17)}

# Local version label of an accelerator -> libraries that such a wheel may need beside the system's, and must need one
# of: they come from the user's driver, toolkit or `nvidia-*` packages.
ACCELERATOR_LIBRARIES = {
    "cpu": frozenset(),
    "cu12": frozenset(("libcublas.so.12", "libcublasLt.so.12", "libcuda.so.1", "libcudart.so.12")),
    "cu13": frozenset(("libcublas.so.13", "libcublasLt.so.13", "libcuda.so.1", "libcudart.so.13")),
    "metal": frozenset(("/System/Library/Frameworks/Metal.framework/Versions/A/Metal",)),
    "rocm6": frozenset(("libamdhip64.so.6", "libhipblas.so.2", "librocblas.so.4")),
    "vulkan": frozenset(("libvulkan.so.1",)),
}

# Plug-in wheels (`py3-none`): libraries that the process of another wheel opens. They may need these of that wheel, which
# are loaded by then, so that their sonames are enough...
PLUGIN_HOST_LIBRARIES = frozenset(
    ("libllama_cpp_python-ggml-base.dylib", "libllama_cpp_python-ggml-base.so")
)
# ... must require its distribution in their own version...
PLUGIN_HOST = "llama-cpp-python"
# ... and export the first of these, by which they are entered, and nothing but these.
PLUGIN_ENTRY_POINTS = ("ggml_backend_init", "ggml_backend_score")

# What is said of one that has no library.
NO_LIBRARY = "there is no library in the wheel; set `native` of py_plugin_wheel"

# Licences (SPDX) that ask for no copy of their text beside the code.
LICENSES_WITHOUT_NOTICE = frozenset(("0BSD", "CC0-1.0", "MIT-0", "Unlicense"))
