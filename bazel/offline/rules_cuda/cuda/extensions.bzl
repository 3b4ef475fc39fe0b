"""Module extension `toolchain`: the repository `@cuda`, configured by the real one's tag."""

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

def _toolchain_impl(module_ctx):
    # The root module comes first and wins.
    tags = [tag for module in module_ctx.modules for tag in module.tags.toolkit]
    cuda_toolkit(
        name = "cuda_toolkit",
        toolkit_path = tags[0].toolkit_path,
    )
    cuda(
        name = tags[0].name,
        toolkit_path = tags[0].toolkit_path,
    )

toolchain = module_extension(
    implementation = _toolchain_impl,
    doc = "Declares the CUDA toolkit.",
    tag_classes = {"toolkit": _toolkit},
)
