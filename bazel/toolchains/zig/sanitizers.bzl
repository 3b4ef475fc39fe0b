"""The sanitizers of `--//bazel/toolchains/zig:sanitizer=NAME`: the one table of their flags."""

# Reports name functions, files and lines; the directory of the action is in none of them.
_REPORTS = [
    "-g1",
    "-ffile-compilation-dir=.",
    "-fno-omit-frame-pointer",
]

# Name -> struct(copts, include, runtime). All C and C++ of the target platform is compiled with
# `copts`, and with the header `include` in front, where there is one. `runtime` is the label that
# every link takes; None is zig's own, which is compiled for each target (runtime.bzl).
SANITIZERS = {
    "address": struct(
        copts = _REPORTS + [
            "-fsanitize=address",
            # The library reads no line numbers of zig's default.
            "-gdwarf-4",
        ],
        include = Label("//bazel/toolchains/zig:libasan.h"),
        runtime = Label("@libasan//:library"),
    ),
    "undefined": struct(
        copts = _REPORTS + [
            "-fsanitize=undefined",
            # zig's runtime does not check the types of virtual tables.
            "-fno-sanitize=vptr",
            # The first fault ends the process: most tests do not read its output.
            "-fno-sanitize-recover=all",
        ],
        include = None,
        runtime = None,
    ),
}

def sanitizer_setting(name):
    """Returns the label of the config_setting of a sanitizer, one of SANITIZERS."""
    return Label("//bazel/toolchains/zig:with_" + name)

def select_sanitizer(values, default):
    """Selects on the sanitizer of the build.

    Args:
      values: name -> value, for each of SANITIZERS.
      default: value without a sanitizer.

    Returns:
      A select().
    """
    return select({
        sanitizer_setting(name): value
        for name, value in values.items()
    } | {"//conditions:default": default})
