"""Repositories: the small `@cuda`, always there, and `@cuda_toolkit`, fetched on demand."""

load(
    "@llama_cpp_python//bazel/pip:look_up.bzl",
    "FIND_FILE_ATTRS",
    "PIP_ENVIRONMENT",
    "look_up",
    "require_download",
)
load("@llama_cpp_python//third_party/cuda:pin.bzl", "CUDA_TOOLKIT_WHEELS")

_ENVIRONMENT = ["CUDA_PATH"]

_ATTRS = {
    "toolkit_path": attr.string(
        doc = "Directory of a CUDA toolkit; empty for CUDA_PATH, else NVIDIA's wheels.",
    ),
}

# Directories of a toolkit on this machine that the repository links.
_FOLDERS = ["bin", "include", "nvvm"]

# Directories of libraries, in the order of preference.
_LIBRARY_FOLDERS = ["lib64", "targets/x86_64-linux/lib", "lib"]

def named_toolkit(rctx, named, variable):
    """Returns the user's toolkit directory on this machine, or None. Fails if it is no toolkit.

    Args:
      rctx: the repository context.
      named: its path; empty for none.
      variable: environment variable that names it.

    Returns:
      Its path, or None.
    """
    if not named:
        return None
    path = rctx.path(named)
    if not path.get_child("bin/nvcc").exists:
        fail(("{} is no CUDA toolkit: it has no bin/nvcc; correct {}, or unset it for " +
              "NVIDIA's wheels").format(named, variable))
    return path

def _local_path(rctx):
    return named_toolkit(rctx, rctx.attr.toolkit_path or rctx.getenv("CUDA_PATH"), "CUDA_PATH")

def _wheels(rctx):
    """Returns the pinned wheels for this machine; empty if there are none."""
    cpu = {"amd64": "x86_64"}.get(rctx.os.arch, rctx.os.arch)
    return CUDA_TOOLKIT_WHEELS.get("{}_{}".format(rctx.os.name, cpu), {})

def _cuda_impl(rctx):
    found = bool(_local_path(rctx) or _wheels(rctx))
    rctx.file("BUILD.bazel", rctx.read(rctx.attr._build_file).replace("%{found}", str(found)))
    rctx.file("toolchain/BUILD.bazel", rctx.read(rctx.attr._toolchain_build_file))
    rctx.file("driver_stub.c", rctx.read(rctx.attr._driver_stub))

cuda = repository_rule(
    implementation = _cuda_impl,
    attrs = _ATTRS | {
        "_build_file": attr.label(
            default = Label("//cuda/private:cuda.BUILD"),
        ),
        "_driver_stub": attr.label(
            default = Label("//cuda/private:driver_stub.c"),
        ),
        "_toolchain_build_file": attr.label(
            default = Label("//cuda/private:toolchain.BUILD"),
        ),
    },
    doc = "The toolchain and the libraries, under the names that rules_cuda gives them.",
    environ = _ENVIRONMENT,
)

def link_libraries(rctx, path):
    """Links the directory of a toolkit's libraries as `lib`.

    Args:
      rctx: the repository context.
      path: the toolkit on this machine.
    """
    for folder in _LIBRARY_FOLDERS:
        libraries = path.get_child(folder)
        if libraries.exists:
            rctx.symlink(libraries, "lib")
            return
    fail("{} has no directory of libraries (one of {}); name another toolkit".format(
        path,
        ", ".join(_LIBRARY_FOLDERS),
    ))

def _link(rctx, path):
    """Makes the toolkit of this machine look like the wheels'."""
    for folder in _FOLDERS:
        rctx.symlink(path.get_child(folder), folder)
    link_libraries(rctx, path)

def download_wheels(rctx, wheels):
    """Unpacks NVIDIA's wheels into one tree.

    Args:
      rctx: the repository context.
      wheels: file -> struct(package, prefix, sha256).
    """
    for file, pin in wheels.items():
        urls, reason = look_up(rctx, pin.package, file, pin.sha256)
        result = rctx.download_and_extract(
            allow_fail = True,
            canonical_id = pin.sha256,
            sha256 = pin.sha256,
            stripPrefix = pin.prefix,
            type = "zip",
            url = urls,
        )
        require_download(result, reason, pin.package, file, pin.sha256)

    # A wheel is a zip, and Bazel's unzip drops the executable bits that pip would restore.
    rctx.execute(["chmod", "-R", "+x", "bin", "nvvm/bin"])

def _cuda_toolkit_impl(rctx):
    path = _local_path(rctx)
    if path:
        _link(rctx, path)
    else:
        download_wheels(rctx, _wheels(rctx))
    rctx.file("facts.bzl", "\"\"\"Facts of the toolkit.\"\"\"\n\nMISSING = \"\"\n")
    rctx.file("BUILD.bazel", rctx.read(rctx.attr._build_file))

cuda_toolkit = repository_rule(
    implementation = _cuda_toolkit_impl,
    attrs = _ATTRS | FIND_FILE_ATTRS | {
        "_build_file": attr.label(
            default = Label("//cuda/private:toolkit.BUILD"),
        ),
    },
    doc = "One tree of bin, include, lib and nvvm.",
    environ = _ENVIRONMENT + PIP_ENVIRONMENT,
)
