"""`checked_hip_library`: a shared library, with a validation action that reads its GPU architectures back."""

load(":archs.bzl", "HipArchsInfo")

def _checked_hip_library_impl(ctx):
    report = ctx.actions.declare_file(ctx.label.name + ".architectures")
    arguments = ctx.actions.args()
    arguments.add_all([ctx.file.library, report])
    arguments.add_all(ctx.attr._archs[HipArchsInfo].archs)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._checker,
        inputs = [ctx.file.library],
        mnemonic = "CheckHipArchs",
        outputs = [report],
        progress_message = "Checking the GPU architectures of " + ctx.file.library.basename,
    )
    return [
        DefaultInfo(files = depset([ctx.file.library])),
        # Bazel runs this for everything that is built of the library.
        OutputGroupInfo(_validation = depset([report])),
    ]

checked_hip_library = rule(
    implementation = _checked_hip_library_impl,
    attrs = {
        "library": attr.label(
            allow_single_file = [".so"],
            doc = "The shared library.",
            mandatory = True,
        ),
        "_archs": attr.label(
            default = Label("//bazel/toolchains/hip:archs"),
        ),
        "_checker": attr.label(
            cfg = "exec",
            default = Label("//bazel/toolchains/hip/private:check_architectures"),
            executable = True,
        ),
    },
    doc = "The library as it is; building it, or anything of it, fails where its GPU code is not for the architectures asked for.",
)
