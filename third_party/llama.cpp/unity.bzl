"""`unity_sources`: several small C++ files as one translation unit, as upstream's CMake build has them."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")

def unity_sources(name, srcs, batch):
    """Writes files that include `batch` sources each.

    Args:
      name: prefix of the generated files.
      srcs: paths relative to the source root, which must be on the include path.
      batch: how many sources go into one file.

    Returns:
      Labels of the generated files.
    """
    labels = []
    for start in range(0, len(srcs), batch):
        part = "{}_{}".format(name, start // batch)
        write_file(
            name = part,
            out = "generated/{}.cpp".format(part),
            content = ["#include \"{}\"".format(src) for src in srcs[start:start + batch]] + [""],
        )
        labels.append(":" + part)
    return labels
