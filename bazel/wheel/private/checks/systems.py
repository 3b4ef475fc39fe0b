"""Systems that wheels are installed on. Rows are added here and nowhere else."""

from __future__ import annotations

# Machine part of a platform tag -> (e_machine of ELF, architecture in CPython's EXT_SUFFIX on
# Linux).
MACHINES = {
    "aarch64": ("EM_AARCH64", "aarch64-linux-gnu"),
    "x86_64": ("EM_X86_64", "x86_64-linux-gnu"),
}

# Machine part of a macOS platform tag -> cputype of Mach-O (mach/machine.h).
MACOS_MACHINES = {"arm64": 0x0100000C, "x86_64": 0x01000007}

# Those of them that run signed code only (Apple, `macOS Big Sur 11.0.1 Release Notes`).
MACOS_SIGNED = frozenset(("arm64",))

# Where every Mac has its libraries.
MACOS_SYSTEM_FOLDERS = ("/System/Library/Frameworks/", "/usr/lib/")

# Machine part of a Windows platform tag -> machine of PE (`Machine Types`).
WINDOWS_MACHINES = {"amd64": 0x8664}

# Bits of DllCharacteristics that every linker sets today -> names in the PE format.
WINDOWS_FLAGS = {
    0x0020: "HIGH_ENTROPY_VA",
    0x0040: "DYNAMIC_BASE",
    0x0100: "NX_COMPAT",
}

# Libraries of every Windows 10, in lower case, for which something here has a use.
_WINDOWS_LIBRARIES = frozenset(
    (
        "advapi32.dll",
        "bcrypt.dll",
        "crypt32.dll",
        "kernel32.dll",
        "ntdll.dll",
        "ole32.dll",
        "shell32.dll",
        "user32.dll",
        "ws2_32.dll",
    )
)

# Runtimes of compilers: Microsoft's redistributable ones, those of MinGW and LLVM, OpenMP's. Of
# msvcrt.dll, Windows's old C library, no process needs a second one beside UCRT.
COMPILER_LIBRARIES = frozenset(
    (
        "concrt140.dll",
        "libc++.dll",
        "libgcc_s_seh-1.dll",
        "libgomp-1.dll",
        "libomp.dll",
        "libomp140.x86_64.dll",
        "libstdc++-6.dll",
        "libunwind.dll",
        "libwinpthread-1.dll",
        "msvcp140.dll",
        "msvcrt.dll",
        "vcomp140.dll",
        "vcruntime140.dll",
        "vcruntime140_1.dll",
    )
)


def is_library_of_windows(name: str) -> bool:
    """Returns whether every Windows 10 has a library, the universal C runtime (UCRT) included."""
    return name in _WINDOWS_LIBRARIES or name.startswith("api-ms-win-crt-")


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


def libraries_of_musl(machine: str) -> frozenset[str]:
    """Returns the names of musl, which is one library: Alpine Linux's, and upstream's."""
    return frozenset((f"libc.musl-{machine}.so.1", "libc.so"))


# Symbols that came after musl 1.2.0 -> the musl that has them (its WHATSNEW).
MUSL_SYMBOLS = {
    "_Fork": (1, 2, 2),
    "gettid": (1, 2, 2),
    "reallocarray": (1, 2, 2),
    "tcgetwinsize": (1, 2, 2),
    "tcsetwinsize": (1, 2, 2),
    "pthread_getname_np": (1, 2, 3),
    "qsort_r": (1, 2, 3),
    "preadv2": (1, 2, 5),
    "pwritev2": (1, 2, 5),
    "statx": (1, 2, 5),
}
