"""Implementation of `pip_files`: unmodified, pinned files of a Python index, for pip to install."""

load(":index.bzl", "FIND_FILE_ATTRS", "PIP_ENVIRONMENT", "look_up", "require_download")

_BUILD = """\
filegroup(
    name = "files",
    srcs = glob(["*.whl"]),
    visibility = ["//visibility:public"],
)
"""

def _pip_files_impl(rctx):
    for file, pin in rctx.attr.files.items():
        package, sha256 = pin.split(" ")
        urls, reason = look_up(rctx, package, file, sha256)
        result = rctx.download(
            allow_fail = True,
            canonical_id = sha256,
            output = file,
            sha256 = sha256,
            url = urls,
        )
        require_download(result, reason, package, file, sha256)
    rctx.file("BUILD.bazel", _BUILD)

pip_files = repository_rule(
    implementation = _pip_files_impl,
    attrs = {
        "files": attr.string_dict(
            doc = "File name -> package name and SHA-256, separated by a space.",
            mandatory = True,
        ),
    } | FIND_FILE_ATTRS,
    doc = "Fetches pinned wheels of a Python index without unpacking them; target `:files`.",
    environ = PIP_ENVIRONMENT,
)
