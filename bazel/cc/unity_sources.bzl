"""`unity_sources`: several C++ files as one translation unit, so that the headers they share are read once."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")

def unity_sources(name, srcs, batch):
    """Writes files that include `batch` sources each.

    Args:
      name: prefix of the generated files.
      srcs: paths as the compiler finds them on its include path.
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
