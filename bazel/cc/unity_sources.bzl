"""`unity_source`, `unity_sources`: C++ files as one translation unit, which reads headers once."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")

def unity_source(name, srcs):
    """Writes a file that includes all sources.

    Args:
      name: name of the generated file.
      srcs: paths as the compiler finds them on its include path.

    Returns:
      Label of the generated file.
    """
    write_file(
        name = name,
        out = "generated/{}.cpp".format(name),
        content = ["#include \"{}\"".format(src) for src in srcs] + [""],
    )
    return ":" + name

def unity_sources(name, srcs, batch):
    """Writes files that include `batch` sources each.

    Args:
      name: prefix of the generated files.
      srcs: paths as the compiler finds them on its include path.
      batch: how many sources go into one file.

    Returns:
      Labels of the generated files.
    """
    return [
        unity_source("{}_{}".format(name, start // batch), srcs[start:start + batch])
        for start in range(0, len(srcs), batch)
    ]
