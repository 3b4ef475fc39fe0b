"""`rocm_repository`: the HIP toolkit, of the ROCm that the user names or of Debian's packages."""

load("//platforms:accelerators.bzl", "ACCELERATORS")

_ENVIRONMENT = ["ROCM_PATH"]

# Wheels say in their label which ROCm they need: its libraries have sonames of their own.
_LABEL = ACCELERATORS["rocm"]["label"]
_MAJOR = int(_LABEL.removeprefix("rocm"))

# Upstream's minimum (ggml/src/ggml-hip/CMakeLists.txt).
_MINIMUM_MINOR = 1

_DEBIAN = """\
# @rocm: Debian's HIP.
alias(
    name = "toolkit",
    actual = "@rocm_packages//:toolkit",
    visibility = ["//visibility:public"],
)
"""

_LOCAL = """\
# @rocm: the HIP of ROCM_PATH.
load("@llama_cpp_python//bazel/toolchains/hip:defs.bzl", "hip_toolkit")

filegroup(
    name = "files",
    srcs = glob(
        [
            "amdgcn/**",
            "include/**",
            "llvm/bin/**",
            "llvm/lib/**",
            "share/hip/**",
        ],
        allow_empty = True,
        exclude = ["**/* *"],
    ),
)

hip_toolkit(
    name = "toolkit",
    clang = "llvm/bin/clang++",
    device_libraries = "amdgcn/bitcode",
    files = ":files",
    resources = "{resources}",
    visibility = ["//visibility:public"],
)
"""

_FOLDERS = ["amdgcn", "include", "llvm", "share"]
_ADVICE = "correct ROCM_PATH, or unset it for Debian's packages"

def _version(rctx, path):
    """Returns the major and minor version of a ROCm, from its headers."""
    header = path.get_child("include/hip/hip_version.h")
    if not header.exists:
        fail("{} is no ROCm with HIP: it has no include/hip/hip_version.h; {}".format(
            path,
            _ADVICE,
        ))
    numbers = {}
    for line in rctx.read(header).splitlines():
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if len(words) == 3 and words[0] == "#define":
            numbers[words[1]] = words[2]
    return int(numbers["HIP_VERSION_MAJOR"]), int(numbers["HIP_VERSION_MINOR"])

def _check_version(path, major, minor):
    if major != _MAJOR or minor < _MINIMUM_MINOR:
        fail(("{} is ROCm {}.{}; wheels are labelled {}, for libamdhip64.so.{}, and need {}.{} " +
              "or newer: name such a ROCm in ROCM_PATH, or unset it for Debian's packages").format(
            path,
            major,
            minor,
            _LABEL,
            _MAJOR,
            _MAJOR,
            _MINIMUM_MINOR,
        ))

def _resources(path):
    """Returns clang's resource directory, from the root of the ROCm."""
    versions = path.get_child("llvm/lib/clang")
    folders = versions.readdir() if versions.exists else []
    if not folders:
        fail("{} has no clang: there is no folder in llvm/lib/clang; {}".format(path, _ADVICE))
    return "llvm/lib/clang/" + folders[0].basename

def _rocm_repository_impl(rctx):
    named = rctx.getenv("ROCM_PATH")
    if not named:
        rctx.file("BUILD.bazel", _DEBIAN)
        return
    path = rctx.path(named)
    _check_version(path, *_version(rctx, path))
    resources = _resources(path)
    for folder in _FOLDERS:
        if not path.get_child(folder).exists:
            fail("{} is no ROCm: it has no folder {}; {}".format(path, folder, _ADVICE))
        rctx.symlink(path.get_child(folder), folder)
    rctx.file("BUILD.bazel", _LOCAL.format(resources = resources))

rocm_repository = repository_rule(
    implementation = _rocm_repository_impl,
    doc = "Declares `toolkit`: of the directory in the environment variable ROCM_PATH, else of " +
          "@rocm_packages.",
    environ = _ENVIRONMENT,
)
