"""Flags for another clang to compile C++ against zig's headers, so that the objects link."""

# zig 0.17's flags for the libc++ that it ships (`zig c++ -v`): its headers have no configuration
# file.
_LIBCXX_DEFINES = [
    "_LIBCPP_ABI_NAMESPACE=__1",
    "_LIBCPP_ABI_VERSION=1",
    "_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_IGNORE",
    "_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
    "_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE",
    "_LIBCPP_HAS_FILESYSTEM=1",
    "_LIBCPP_HAS_LOCALIZATION",
    "_LIBCPP_HAS_MONOTONIC_CLOCK",
    "_LIBCPP_HAS_MUSL_LIBC=0",
    "_LIBCPP_HAS_NO_STD_MODULES",
    "_LIBCPP_HAS_RANDOM_DEVICE",
    "_LIBCPP_HAS_TERMINAL",
    "_LIBCPP_HAS_THREADS=1",
    "_LIBCPP_HAS_TIME_ZONE_DATABASE",
    "_LIBCPP_HAS_UNICODE",
    "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
    "_LIBCPP_HAS_WIDE_CHARACTERS",
    "_LIBCPP_PSTL_BACKEND_SERIAL",
    "_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS",
]

_CXX_FOLDERS = [
    "libcxx/include",
    "libcxxabi/include",
]

_C_FOLDERS = [
    "libc/include/x86-linux-gnu",
    "libc/include/generic-glibc",
    "libc/include/x86-linux-any",
    "libc/include/any-linux-any",
]

def zig_clang_flags(cc_toolchain, compiler_headers, wrappers = []):
    """Flags for a foreign clang, for x86-64 Linux. Fails where the C++ toolchain is not zig's.

    Args:
      cc_toolchain: the CcToolchainInfo of a toolchain of this package.
      compiler_headers: directory of the clang's own headers.
      wrappers: directories that come before those of C++.

    Returns:
      A list of arguments.
    """
    target = cc_toolchain.target_gnu_system_name
    folders = [file.dirname for file in cc_toolchain.all_files.to_list() if file.basename == "zig"]
    if not target.startswith("x86_64-linux-gnu.") or len(folders) != 1:
        fail(("the C++ toolchain ({}) is not this project's zig for x86-64 Linux, whose headers " +
              "are needed here; register @llama_cpp_python//bazel/toolchains/zig:all before your " +
              "own").format(target))
    zig = folders[0] + "/lib"
    search = wrappers + [
        "{}/{}".format(zig, folder)
        for folder in _CXX_FOLDERS
    ] + [compiler_headers] + [
        "{}/{}".format(zig, folder)
        for folder in _C_FOLDERS
    ]
    flags = ["--target=x86_64-unknown-linux-gnu", "-nostdinc"]
    for folder in search:
        flags += ["-isystem", folder]

    # Which glibc may be linked to: the headers are one set for all.
    defines = ["__GLIBC_MINOR__=" + target.rpartition(".")[2]] + _LIBCXX_DEFINES
    return flags + ["-D" + define for define in defines]
