"""Implementation of `pip_files`: unmodified, pinned files of a Python index, for pip to install."""

load("//bazel/availability:defs.bzl", "sentence_as_name")
load(
    ":index.bzl",
    "FIND_FILE_ATTRS",
    "PIP_ENVIRONMENT",
    "find_other_bytes",
    "look_up_all",
    "no_download",
)

_BUILD = """\
exports_files(glob(["*.whl"], allow_empty = True))

filegroup(
    name = "files",
    srcs = glob(["*.whl"], allow_empty = True),
    visibility = ["//visibility:public"],
)
"""

_MISSING = """\
\"\"\"Files that could not be fetched.\"\"\"

# File name -> reason. See `where_found` of //bazel/availability.
MISSING = {}
"""

_LOOK_AGAIN = "{}. To look again - bazel fetch --force --repo=@@{}"

def _fetch(rctx, pins, found):
    """Fetches the files; returns file name -> sentence of those that could not be had."""
    downloads = {
        file: rctx.download(
            allow_fail = True,
            block = False,
            canonical_id = sha256,
            output = file,
            sha256 = sha256,
            url = found[file].urls,
        )
        for file, (_, sha256) in pins.items()
    }
    return {
        file: no_download(found[file].reason, pins[file][0], file, pins[file][1])
        for file, download in downloads.items()
        if not download.wait().success
    }

def _pip_files_impl(rctx):
    pins = {file: tuple(pin.split(" ")) for file, pin in rctx.attr.files.items()}
    found = look_up_all(rctx, pins)
    missing = _fetch(rctx, pins, found)
    errors = missing
    if rctx.attr.optional:
        errors = find_other_bytes(rctx, {file: pins[file] for file in missing}, found)
    if errors:
        fail("pip: " + "\n".join(errors.values()))
    rctx.file("missing.bzl", _MISSING.format(repr({
        file: sentence_as_name(_LOOK_AGAIN.format(sentence.removesuffix("."), rctx.name))
        for file, sentence in missing.items()
    })))
    rctx.file("BUILD.bazel", _BUILD)

pip_files = repository_rule(
    implementation = _pip_files_impl,
    attrs = {
        "files": attr.string_dict(
            doc = "File name -> package name and SHA-256, separated by a space.",
            mandatory = True,
        ),
        "optional": attr.bool(
            doc = "Whether a file that can't be had is no error. Its reason is in `MISSING` of " +
                  "the repository's `missing.bzl`, for `where_found` of //bazel/availability. A " +
                  "file that the index has with another SHA-256 is an error.",
        ),
    } | FIND_FILE_ATTRS,
    doc = "Fetches pinned wheels of a Python index without unpacking them; target `:files`, and " +
          "each file by its name.",
    environ = PIP_ENVIRONMENT,
)
