"""`py_extension`: a C++ extension module for one Python ABI."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_shared_library.bzl", "cc_shared_library")
load(":python_import_library.bzl", "python_import_library")

def py_extension(
        name,
        module,
        ext_suffix,
        deps,
        dynamic_deps = [],
        runpath = "$ORIGIN",
        python_dll = "",
        **kwargs):
    """Links `<module><ext_suffix>`.

    Python's own symbols stay undefined, on Windows they come from a DLL. The module's init function
    is the only one that is exported.

    Args:
      name: name of the target.
      module: name of the module, without package.
      ext_suffix: EXT_SUFFIX of the ABI (PEP 3149), with which the interpreter finds the module.
      deps: cc_library targets that go into the module.
      dynamic_deps: cc_shared_library targets that it links to.
      runpath: where the loader looks for them; Windows has no such thing.
      python_dll: name of the ABI's DLL on Windows; without one the extension is for other systems.
      **kwargs: passed on to cc_shared_library.
    """
    write_file(
        name = name + "_exports",
        out = name + ".map",
        content = ["{", "  global: PyInit_%s;" % module, "  local: *;", "};", ""],
    )
    if python_dll:
        python_import_library(
            name = name + "_python",
            dll = python_dll,
            tags = ["manual"],
            target_compatible_with = ["@platforms//os:windows"],
            deps = deps,
        )
    cc_shared_library(
        name = name,
        additional_linker_inputs = select({
            "@platforms//os:windows": [":" + name + "_python"] if python_dll else [],
            "//conditions:default": [":" + name + "_exports"],
        }),
        dynamic_deps = dynamic_deps,
        features = ["payload_runpath"],
        shared_lib_name = module + ext_suffix,
        user_link_flags = select({
            "@platforms//os:macos": [
                "-Wl,-rpath," + runpath.replace("$ORIGIN", "@loader_path"),
                "-Wl,-undefined,dynamic_lookup",
            ],
            # Python's headers mark the init function as the one that is exported.
            "@platforms//os:windows": [
                "$(location :{}_python)".format(name),
            ] if python_dll else [],
            "//conditions:default": [
                "-Wl,-rpath," + runpath,
                # DT_RPATH, which comes before LD_LIBRARY_PATH.
                "-Wl,--disable-new-dtags",
                "-Wl,--version-script=$(location :{}_exports)".format(name),
            ],
        }),
        deps = deps,
        **kwargs
    )
