"""Systems that wheels are installed on. Data only; rows are added here and nowhere else."""

from __future__ import annotations

# Machine part of a platform tag -> (e_machine of ELF, architecture in CPython's EXT_SUFFIX on
# Linux).
MACHINES = {
    "aarch64": ("EM_AARCH64", "aarch64-linux-gnu"),
    "x86_64": ("EM_X86_64", "x86_64-linux-gnu"),
}

# Machine part of a macOS platform tag -> cputype of Mach-O (mach/machine.h).
MACOS_MACHINES = {"arm64": 0x0100000C}

# Where every Mac has its libraries.
MACOS_SYSTEM_FOLDERS = ("/System/Library/Frameworks/", "/usr/lib/")

# Libraries that every glibc system has, and that the manylinux policies (PEP 600) let a wheel need.
# Their lists go on with X11, OpenGL and GLib, for which nothing here has a use.
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

# glibc of a manylinux level -> newest symbol version by family, where the system's compiler runtime
# is used. A tag between two rows gets the older one; GLIBC itself is the number in the tag.
RUNTIME_LEVELS = {
    (2, 17): {"CXXABI": (1, 3, 7), "GCC": (4, 8, 0), "GLIBCXX": (3, 4, 19)},
    (2, 28): {"CXXABI": (1, 3, 11), "GCC": (7, 0, 0), "GLIBCXX": (3, 4, 24)},
    (2, 34): {"CXXABI": (1, 3, 13), "GCC": (7, 0, 0), "GLIBCXX": (3, 4, 29)},
}

# Platform tags from before PEP 600 -> glibc.
LEGACY_LEVELS = {"manylinux2014": (2, 17)}
