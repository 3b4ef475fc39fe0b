"""The toolchain: nvcc and the files that it reads."""

TOOLCHAIN_TYPE = Label("//cuda:toolchain_type")

def _cuda_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(
        all_files = depset(transitive = [target.files for target in ctx.attr.compiler_files]),
        compiler_executable = ctx.file.compiler_label.path,
    )]

cuda_toolchain = rule(
    implementation = _cuda_toolchain_impl,
    attrs = {
        "compiler_files": attr.label_list(
            allow_files = True,
            cfg = "exec",
            doc = "nvcc, the programs that it calls, and the files that it reads, including " +
                  "headers.",
        ),
        "compiler_label": attr.label(
            allow_single_file = True,
            cfg = "exec",
            doc = "nvcc.",
            mandatory = True,
        ),
    },
    doc = "A CUDA toolchain.",
)
