"""The toolchain: nvcc and the files that it reads."""

TOOLCHAIN_TYPE = Label("//cuda:toolchain_type")

def _cuda_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(
        all_files = depset(transitive = [target.files for target in ctx.attr.compiler_files]),
        compiler_executable = ctx.file.compiler_label.path,
        has_random_seed = ctx.attr.has_random_seed,
        host_zig = ctx.file.host_zig,
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
        "has_random_seed": attr.bool(
            default = True,
            doc = "Whether nvcc has the option --frandom-seed.",
        ),
        "host_zig": attr.label(
            allow_single_file = True,
            cfg = "exec",
            doc = "The zig whose clang is the host compiler, beside its zig-cc.sh; None for the " +
                  "C++ toolchain's compiler.",
        ),
    },
    doc = "A CUDA toolchain.",
)
