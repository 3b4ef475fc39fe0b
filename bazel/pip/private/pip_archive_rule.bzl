"""Implementation of `pip_archive`.

The file is looked up in the index that the user's own pip settings name and fetched by Bazel's
downloader, so the repository cache works and no hook of the package runs (`pip download` of an
sdist runs its build backend). Adding a file means adding name, version, file and sha256: no address
is written down anywhere.
"""

load(":index.bzl", "FIND_FILE_ATTRS", "PIP_ENVIRONMENT", "look_up", "require_download")

_ARCHIVE_TYPES = {
    ".tar.gz": "tar.gz",
    ".whl": "zip",
    ".zip": "zip",
}

def _archive_type(file):
    for suffix, kind in _ARCHIVE_TYPES.items():
        if file.endswith(suffix):
            return kind
    fail("pip_archive: {} is neither a wheel, a zip nor a .tar.gz".format(file))

def _download(rctx):
    urls, reason = look_up(rctx, rctx.attr.package, rctx.attr.file, rctx.attr.sha256)
    result = rctx.download_and_extract(
        allow_fail = True,
        canonical_id = rctx.attr.sha256,
        sha256 = rctx.attr.sha256,
        stripPrefix = rctx.attr.strip_prefix,
        type = _archive_type(rctx.attr.file),
        url = urls,
    )
    require_download(result, reason, rctx.attr.package, rctx.attr.file, rctx.attr.sha256)

def _pip_archive_impl(rctx):
    _download(rctx)
    for patch in rctx.attr.patches:
        rctx.patch(patch, strip = 1)
    for executable in rctx.attr.executables:
        # A wheel is a zip, and Bazel's unzip drops the executable bits that pip would restore.
        rctx.execute(["chmod", "+x", executable])
    for label, path in rctx.attr.files.items():
        rctx.file(path, rctx.read(label), executable = True)
    rctx.file(
        "BUILD.bazel",
        rctx.read(rctx.attr.build_file) if rctx.attr.build_file else rctx.attr.build_file_content,
    )

pip_archive = repository_rule(
    implementation = _pip_archive_impl,
    attrs = {
        "build_file": attr.label(
            doc = "File that becomes the BUILD.bazel at the root of the repository.",
        ),
        "build_file_content": attr.string(
            doc = "Text of the BUILD.bazel where `build_file` is not given.",
        ),
        "executables": attr.string_list(
            doc = "Paths below the root that get their executable bit back.",
        ),
        "file": attr.string(
            doc = "File name of the wheel or sdist, as the index lists it; " +
                  "or the address of an archive that no index has.",
            mandatory = True,
        ),
        "files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Programs (text) that are added -> their paths below the root.",
        ),
        "package": attr.string(
            doc = "Name of the package on the index; not used with an address.",
            mandatory = True,
        ),
        "patches": attr.label_list(
            allow_files = [".patch"],
            doc = "Unified diffs with paths below `a/` and `b/`, applied in this order after " +
                  "unpacking.",
        ),
        "sha256": attr.string(
            doc = "SHA-256 of the file, in hexadecimal.",
            mandatory = True,
        ),
        "strip_prefix": attr.string(
            doc = "Directory of the archive that becomes the root of the repository; the rest is " +
                  "left out.",
        ),
    } | FIND_FILE_ATTRS,
    doc = "Fetches one pinned file of a Python index, unpacks it, and adds a BUILD file.",
    environ = PIP_ENVIRONMENT,
)
