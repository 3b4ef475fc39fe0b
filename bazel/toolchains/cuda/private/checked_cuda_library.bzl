"""`checked_cuda_library`: a shared library and the validation of its GPU architectures."""

load("@rules_cuda//cuda:defs.bzl", "CudaArchsInfo")
load("//bazel/cc:checked_library.bzl", "CHECKED_LIBRARY_ATTRS", "check_architectures")

def _codes(ctx):
    """Architectures that the library is to have, such as `sm_90` and `compute_90`."""
    if ctx.attr.archs:
        return ctx.attr.archs
    return [
        ("compute_" if code.virtual else "sm_") + code.arch
        for spec in ctx.attr._archs[CudaArchsInfo].arch_specs
        for code in spec.stage2_archs
    ]

def _checked_cuda_library_impl(ctx):
    return check_architectures(
        ctx,
        _codes(ctx),
        "CheckCudaArchs",
        tools = [ctx.executable._cuobjdump],
    )

checked_cuda_library = rule(
    implementation = _checked_cuda_library_impl,
    attrs = CHECKED_LIBRARY_ATTRS | {
        "archs": attr.string_list(
            doc = "Architectures that it must have, no more and no less; empty for those of the " +
                  "flag @rules_cuda//cuda:archs.",
        ),
        "_archs": attr.label(
            default = Label("@rules_cuda//cuda:archs"),
        ),
        "_checker": attr.label(
            cfg = "exec",
            default = Label("//bazel/toolchains/cuda/private:check_architectures"),
            executable = True,
        ),
        "_cuobjdump": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = Label("@cuobjdump_linux_x86_64//:bin/cuobjdump"),
            executable = True,
        ),
    },
    doc = "The library as it is; building it, or anything of it, fails where its GPU code is not " +
          "for the architectures asked for.",
)
