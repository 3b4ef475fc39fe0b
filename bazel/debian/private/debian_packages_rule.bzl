"""Implementation of `debian_packages`.

apt does the work, with the settings of the user and directories of its own
(../../offline/debian.py). Files that were fetched once stay in the user's cache, because Debian
keeps those of testing for days only.
"""

load("//bazel/availability:defs.bzl", "sentence_as_name")

# Settings that decide where is looked; a change refetches.
_ENVIRONMENT = [
    "APT_CONFIG",
    "BAZELW_DEBIAN_MIRROR",
    "HOME",
    "PATH",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "XDG_CACHE_HOME",
]

_MODULES = [
    "//bazel/debian:fetch_packages.py",
    "//bazel/offline:debian.py",
    "//bazel/offline:linking.py",
    "//bazel/offline:locks.py",
    "//bazel/offline:patchelf.py",
    "//bazel/offline:steps.py",
    "//bazel/offline:user_cache.py",
]

# 450 MB through a slow mirror.
_TIMEOUT_SECONDS = 3600

_FACTS = """\
\"\"\"Facts of these packages, for BUILD files.\"\"\"

# Reason for the lack of packages, or "". See `where_found` of //bazel/availability.
MISSING = {missing}

# Package name -> file name, SHA-256 and version. They are empty if nothing could be fetched.
PACKAGES = {{
{packages}}}

# CPU that the packages are for, as a constraint value.
CPU = "@platforms//cpu:{cpu}"
"""

_LOOK_AGAIN = "{}. To look again - bazel fetch --force --repo=@@{}"

def _fetch(rctx):
    """Returns the answer of ../fetch_packages.py."""
    for module in rctx.attr._modules:
        # Bazel watches only the program that is run, not its imports.
        rctx.watch(module)
    rctx.watch(rctx.attr.lock)
    python = rctx.which("python3")
    if not python:
        return {"missing": "no python3 on PATH", "note": "", "packages": {}}
    request = json.encode({
        "folder": str(rctx.path(".")),
        "leave_out": rctx.attr.leave_out,
        "library_folders": rctx.attr.library_folders,
        "lock": str(rctx.path(rctx.attr.lock)),
        "plugins": rctx.attr.plugins,
        # From the directory that actions run in; an absolute path would make their keys those of
        # one machine.
        "program_root": "external/" + rctx.name if rctx.attr.relocate_programs else "",
    })
    rctx.report_progress("fetching packages of Debian")
    result = rctx.execute(
        [python, "-E", "-s", "-B", rctx.path(rctx.attr._modules[0]), request],
        timeout = _TIMEOUT_SECONDS,
    )
    if result.return_code:
        fail("debian_packages: {}".format(result.stderr.strip()))
    return json.decode(result.stdout)

def _package(name, facts):
    """Returns an entry of PACKAGES; a file is called `<name>_<version>_<architecture>.deb`."""
    version = facts["file"].split("_")[1].replace("%3a", ":") if facts["file"] else ""
    return "    {}: struct(file = {}, sha256 = {}, version = {}),\n".format(
        repr(name),
        repr(facts["file"]),
        repr(facts["sha256"]),
        repr(version),
    )

def _debian_packages_impl(rctx):
    answer = _fetch(rctx)
    if answer["note"]:
        # buildifier: disable=print
        print("@{}: {}".format(rctx.name, answer["note"]))
    packages = answer["packages"] or {
        name: {"file": "", "sha256": ""}
        for name in json.decode(rctx.read(rctx.attr.lock))["packages"]
    }
    missing = ""
    if answer["missing"]:
        reason = answer["missing"].removesuffix(".")
        missing = sentence_as_name(_LOOK_AGAIN.format(reason, rctx.name))
    rctx.file("debian_packages.bzl", _FACTS.format(
        cpu = {"amd64": "x86_64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch),
        missing = repr(missing),
        packages = "".join([_package(name, facts) for name, facts in packages.items()]),
    ))
    rctx.file("BUILD.bazel", rctx.read(rctx.attr.build_file))

debian_packages = repository_rule(
    implementation = _debian_packages_impl,
    attrs = {
        "build_file": attr.label(
            doc = "File that becomes the BUILD.bazel at the root of the repository. It is loaded " +
                  "even if the packages are missing: it calls `where_found(MISSING)` " +
                  "(//bazel/availability), MISSING is in the repository's `debian_packages.bzl`, " +
                  "and its globs may be empty.",
            mandatory = True,
        ),
        "leave_out": attr.string_list(
            doc = "Patterns of paths below the root that are removed.",
        ),
        "library_folders": attr.string_list(
            doc = "Directories below the root where programs find libraries, beside " +
                  "`usr/lib/<architecture>`.",
        ),
        "lock": attr.label(
            doc = "Lock file: packages, releases and versions. ../fetch_packages.py documents " +
                  "its fields, and fills in the versions.",
            mandatory = True,
        ),
        "plugins": attr.string_list(
            doc = "Patterns of paths of libraries that foreign programs open: they find other " +
                  "libraries of the packages by themselves.",
        ),
        "relocate_programs": attr.bool(
            doc = "Whether programs are given the C library of the packages, which must be among " +
                  "them, so that they run on an older host: by actions, whose inputs must have " +
                  "all that they need.",
        ),
        "_modules": attr.label_list(
            default = [Label(module) for module in _MODULES],
        ),
    },
    doc = "Fetches packages of Debian, unpacks them, and adds a BUILD file.",
    environ = _ENVIRONMENT,
)
