"""`native_library`: one shared library of the native payload, for wheels and programs."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_import.bzl", "cc_import")
load("@rules_cc//cc:cc_shared_library.bzl", "cc_shared_library")

# Flags of every translation unit of ggml and llama.cpp. -O3 is upstream's Release. Hidden
# visibility: only symbols that upstream marks as API are exported.
NATIVE_COPTS = [
    "-O3",
    "-fvisibility=hidden",
]
NATIVE_C_STANDARD = ["-std=gnu11"]
NATIVE_CXX_STANDARD = ["-std=gnu++17"]

# Of file names and sonames. A process loads one library per soname: under upstream's names the
# first package with llama.cpp would give its libraries to all others.
OWN_PREFIX = "llama_cpp_python-"

# The node of version scripts. Files without it are refused by the dynamic loader in place of ours,
# and the check at import (native/core/native_files.cpp) knows by it which symbols must be ours.
_VERSION_NODE = "LLAMA_CPP_PYTHON_0"

def native_library(
        name,
        deps,
        exports,
        dynamic_deps = [],
        hdrs_from = None,
        link_flags = [],
        link_inputs = [],
        prefix = OWN_PREFIX,
        **kwargs):
    """Links a library under names of our own, with versioned symbols and `$ORIGIN` as its DT_RPATH.

    The library is `lib<prefix><name>.so`, for macOS `.dylib`, for Windows `<prefix><name>.dll`. A
    plugin has that as its soname alone: its file is `lib<name>.so`, for Windows `<name>.dll`, since
    ggml looks for that name and opens it by path. DT_RPATH comes before LD_LIBRARY_PATH, DT_RUNPATH
    after. zig's linker hides nothing by itself for macOS: the exports are the symbols that upstream
    marks as API. So they are for Windows, where patterns are among `exports`; there a symbol is
    bound to the DLL that it comes from.

    Args:
      name: library name as upstream has it, such as `ggml-base`. Declares `<name>_so` (the linked
        library) and `<name>` (the library for C++ code that links to it).
      deps: cc_library targets that go into the library.
      exports: patterns of the symbols it exports; everything else is local, the C++ runtime first
        of all.
      dynamic_deps: the other native libraries that it links to: their names, or labels in other
        packages.
      hdrs_from: cc_library with the public headers; None for a plugin that nothing links to.
      link_flags: more flags for the linker.
      link_inputs: files that these name.
      prefix: prefix of the name in file name and soname.
      **kwargs: common attributes of the linked library.
    """
    write_file(
        name = name + "_exports",
        out = name + ".map",
        content = [_VERSION_NODE + " {"] +
                  (["  global:"] if exports else []) +
                  ["    {};".format(pattern) for pattern in exports] +
                  ["  local: *;", "};", ""],
    )
    exports_file = _module_definition(name, exports)
    stem = "lib" + prefix + name
    file_stem = stem if hdrs_from else "lib" + name
    macos_suffix = ".dylib" if hdrs_from else ".so"
    cc_shared_library(
        name = name + "_so",
        additional_linker_inputs = [":" + name + "_exports"] + link_inputs + select({
            "@platforms//os:windows": exports_file,
            "//conditions:default": [],
        }),
        dynamic_deps = [native.package_relative_label(dep + "_so") for dep in dynamic_deps],
        # No run paths into Bazel's output tree, where the toolchain knows this feature (ours does).
        features = ["payload_runpath"],
        shared_lib_name = select({
            "@platforms//os:macos": file_stem + macos_suffix,
            "@platforms//os:windows": file_stem.removeprefix("lib") + ".dll",
            "//conditions:default": file_stem + ".so",
        }),
        user_link_flags = select({
            "@platforms//os:macos": [
                "-Wl,-install_name,@rpath/" + stem + macos_suffix,
                "-Wl,-rpath,@loader_path",
            ],
            "@platforms//os:windows": [
                "-Wl,-def:$(location {})".format(file)
                for file in exports_file
            ],
            "//conditions:default": [
                "-Wl,-soname,{}.so".format(stem),
                "-Wl,-rpath,$ORIGIN",
                "-Wl,--disable-new-dtags",
                "-Wl,-z,defs",
                "-Wl,--version-script=$(location :{}_exports)".format(name),
            ],
        }) + link_flags,
        deps = deps,
        **kwargs
    )
    if hdrs_from:
        cc_import(
            name = name,
            shared_library = ":" + name + "_so",
            deps = [hdrs_from] + [native.package_relative_label(dep) for dep in dynamic_deps],
        )

def _module_definition(name, exports):
    """Declares the list of exported symbols for Windows, which knows no patterns.

    Args:
      name: name of the library.
      exports: as in native_library.

    Returns:
      A list of its label, or an empty list where there are patterns.
    """
    if [symbol for symbol in exports if "*" in symbol or "?" in symbol]:
        return []
    write_file(
        name = name + "_module_definition",
        out = name + ".def",
        content = ["EXPORTS"] + exports + [""],
    )
    return [":{}_module_definition".format(name)]
