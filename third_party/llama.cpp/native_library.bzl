"""`native_library`: one shared library of the native payload, laid out as wheels and programs need it."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_import.bzl", "cc_import")
load("@rules_cc//cc:cc_shared_library.bzl", "cc_shared_library")

# Flags that every translation unit of ggml and llama.cpp is compiled with. -O3 is what upstream's Release has.
# Hidden visibility: only what upstream marks as API is exported.
NATIVE_COPTS = [
    "-O3",
    "-fvisibility=hidden",
]
NATIVE_C_STANDARD = ["-std=gnu11"]
NATIVE_CXX_STANDARD = ["-std=gnu++17"]

def native_library(
        name,
        deps,
        exports,
        dynamic_deps = [],
        hdrs_from = None,
        link_flags = [],
        link_inputs = [],
        run_paths = [],
        **kwargs):
    """Links `lib<name>.so` with an unversioned soname, a version script and `$ORIGIN` as its run path.

    For macOS a library is `lib<name>.dylib`, but a plugin `.so` there too, since ggml looks for that name. zig's linker hides
    nothing by itself there: what is exported is what upstream marks as API.

    Args:
      name: library name without prefix and suffix, such as `ggml-base`. Declares `<name>_so` (the linked library) and
        `<name>` (the library for C++ code that links to it).
      deps: cc_library targets that go into the library.
      exports: patterns of the symbols it exports; everything else is local, the C++ runtime first of all.
      dynamic_deps: the other native libraries that it links to: their names, or labels in other packages.
      hdrs_from: cc_library with the public headers; None for a plugin that nothing links to.
      link_flags: more flags for the linker.
      link_inputs: files that these name.
      run_paths: where the library looks for others on Linux, beside its own folder.
      **kwargs: common attributes of the linked library.
    """
    write_file(
        name = name + "_exports",
        out = name + ".map",
        content = ["{"] +
                  (["  global:"] if exports else []) +
                  ["    {};".format(pattern) for pattern in exports] +
                  ["  local: *;", "};", ""],
    )
    macos_name = "lib{}.{}".format(name, "dylib" if hdrs_from else "so")
    cc_shared_library(
        name = name + "_so",
        additional_linker_inputs = [":" + name + "_exports"] + link_inputs,
        dynamic_deps = [native.package_relative_label(dep + "_so") for dep in dynamic_deps],
        # No run paths into Bazel's output tree, where the toolchain knows this feature (ours does).
        features = ["payload_runpath"],
        shared_lib_name = select({
            "@platforms//os:macos": macos_name,
            "//conditions:default": "lib{}.so".format(name),
        }),
        user_link_flags = select({
            "@platforms//os:macos": [
                "-Wl,-install_name,@rpath/" + macos_name,
                "-Wl,-rpath,@loader_path",
            ],
            "//conditions:default": [
                "-Wl,-soname,lib{}.so".format(name),
                "-Wl,-rpath,{}".format(":".join(["$ORIGIN"] + run_paths)),
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
