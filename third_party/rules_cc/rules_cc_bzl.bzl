"""The .bzl files of rules_cc that `starlark_doc_extract` asks for."""

# The library of newer versions; older ones have no file outside of their own packages.
_LIBRARY = "core_rules"

_BUILD = """\
filegroup(
    name = "rules_cc_bzl",
    srcs = {labels},
    visibility = ["//visibility:public"],
)
"""

def _rules_cc_bzl_impl(rctx):
    labels = [Label("@rules_cc//cc:bzl_srcs"), Label("@rules_cc//cc/common")]
    if '"{}"'.format(_LIBRARY) in rctx.read(Label("@rules_cc//cc:BUILD")):
        labels.append(Label("@rules_cc//cc:" + _LIBRARY))
    rctx.file("BUILD.bazel", _BUILD.format(labels = [str(label) for label in labels]))

rules_cc_bzl = repository_rule(
    implementation = _rules_cc_bzl_impl,
    doc = "Names the libraries of .bzl files that the version of rules_cc has.",
)
