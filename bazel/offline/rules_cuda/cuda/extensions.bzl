"""Module extension `toolchain`: the repository `@cuda`, configured by the real one's tag."""

load("@llama_cpp_python//bazel/debian:debian_packages.bzl", "debian_packages")
load("@llama_cpp_python//bazel/pip:pip_archive.bzl", "pip_archive")
load("@llama_cpp_python//third_party/cuda:cuda12.bzl", "CUDA12_ZIG_ARCHIVE")
load("//cuda/private:cuda12_toolkit.bzl", "cuda12_toolkit")
load("//cuda/private:repositories.bzl", "cuda", "cuda_toolkit")

_toolkit = tag_class(
    attrs = {
        "name": attr.string(
            default = "cuda",
            doc = "Name of the repository.",
        ),
        "toolkit_path": attr.string(
            doc = "Directory of a CUDA toolkit; empty for the one that the environment variable " +
                  "CUDA_PATH names, and where that is not set for NVIDIA's wheels of the Python " +
                  "index.",
        ),
    },
    doc = "The toolkit.",
)

def _declare_cuda12():
    debian_packages(
        name = "cuda12_programs",
        build_file = Label("//cuda/private:programs.BUILD"),
        leave_out = [
            "etc",
            "usr/lib/nvidia-cuda-toolkit/compute-sanitizer",
            "usr/share/man",
        ],
        lock = Label("@llama_cpp_python//third_party/cuda:cuda12_programs.lock.json"),
    )
    cuda12_toolkit(name = "cuda12_toolkit")
    pip_archive(
        name = "cuda12_zig",
        build_file = Label("//cuda/private:zig.BUILD"),
        files = {Label("@llama_cpp_python//bazel/toolchains/zig:zig-cc.sh"): "zig-cc.sh"},
        **CUDA12_ZIG_ARCHIVE
    )

def _toolchain_impl(module_ctx):
    # The root module comes first and wins.
    tags = [tag for module in module_ctx.modules for tag in module.tags.toolkit]
    cuda_toolkit(
        name = "cuda_toolkit",
        toolkit_path = tags[0].toolkit_path,
    )
    _declare_cuda12()
    cuda(
        name = tags[0].name,
        toolkit_path = tags[0].toolkit_path,
    )

toolchain = module_extension(
    implementation = _toolchain_impl,
    doc = "Declares the CUDA toolkit.",
    tag_classes = {"toolkit": _toolkit},
)
