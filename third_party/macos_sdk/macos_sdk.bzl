"""`macos_sdk`: the macOS SDK that the environment variable MACOS_SDK names, as a repository."""

load("//bazel/availability:defs.bzl", "sentence_as_name")

_MISSING = (
    "no macOS SDK is named - add --repo_env=MACOS_SDK=/path/to/MacOSX.sdk to the command, " +
    "Xcode 15's or newer"
)

_BUILD = """\
# @macos_sdk: headers and stubs of Apple's frameworks.
load("@llama_cpp_python//bazel/availability:defs.bzl", "where_found")
load(":facts.bzl", "MISSING")

filegroup(
    name = "files",
    srcs = glob(
        [
            "Frameworks/**/*.h",
            "Frameworks/**/*.tbd",
            "include/**",
            "lib/**/*.tbd",
        ],
        allow_empty = True,
        exclude = ["**/* *"],
    ),
    target_compatible_with = where_found(MISSING),
    visibility = ["//visibility:public"],
)
"""

_FACTS = """\
\"\"\"Facts of the SDK.\"\"\"

# Where none is named: the sentence that says so. See `where_found` of //bazel/availability.
MISSING = {missing}

# The newest macOS that it has declarations for, as __MAC_OS_X_VERSION_MAX_ALLOWED is written.
VERSION = {version}
"""

# Where an SDK has it (Xcode's layout), and where a collection of frameworks without the rest of one
# does.
_LAYOUTS = {
    "Frameworks": ["System/Library/Frameworks", "Frameworks"],
    "include": ["usr/include", "include"],
    "lib": ["usr/lib", "lib"],
}

_ADVICE = "name another SDK with --repo_env=MACOS_SDK=/path/to/MacOSX.sdk"

def _link(rctx, sdk):
    for name, places in _LAYOUTS.items():
        found = [place for place in places if sdk.get_child(place).exists]
        if not found:
            fail("{} is no macOS SDK: it has none of {}; {}".format(
                sdk,
                ", ".join(places),
                _ADVICE,
            ))
        rctx.symlink(sdk.get_child(found[0]), name)
    if not rctx.path("Frameworks/Metal.framework").exists:
        fail("{} has no Metal framework; {}".format(sdk, _ADVICE))

def _version(rctx):
    """Returns the newest macOS of AvailabilityVersions.h, where each is a macro __MAC_14_2."""
    numbers = [0]
    for line in rctx.read("include/AvailabilityVersions.h").splitlines():
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if len(words) == 3 and words[1].startswith("__MAC_") and words[2].isdigit():
            numbers.append(int(words[2]))
    return max([number for number in numbers if number < 990000])

def _macos_sdk_impl(rctx):
    named = rctx.getenv("MACOS_SDK")
    version = 0
    if named:
        _link(rctx, rctx.path(named))
        version = _version(rctx)
    missing = "" if named else sentence_as_name(_MISSING)
    rctx.file("facts.bzl", _FACTS.format(missing = repr(missing), version = version))
    rctx.file("BUILD.bazel", _BUILD)

macos_sdk = repository_rule(
    implementation = _macos_sdk_impl,
    doc = "Links to the SDK's directories; without one the repository's target is incompatible " +
          "with every platform.",
    environ = ["MACOS_SDK"],
)
