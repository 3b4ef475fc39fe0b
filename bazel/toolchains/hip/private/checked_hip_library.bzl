"""`checked_hip_library`: a shared library and the validation of its GPU architectures."""

load("//bazel/cc:checked_library.bzl", "CHECKED_LIBRARY_ATTRS", "check_architectures")
load(":archs.bzl", "HipArchsInfo")

def _checked_hip_library_impl(ctx):
    return check_architectures(ctx, ctx.attr._archs[HipArchsInfo].archs, "CheckHipArchs")

checked_hip_library = rule(
    implementation = _checked_hip_library_impl,
    attrs = CHECKED_LIBRARY_ATTRS | {
        "_archs": attr.label(
            default = Label("//bazel/toolchains/hip:archs"),
        ),
        "_checker": attr.label(
            cfg = "exec",
            default = Label("//bazel/toolchains/hip/private:check_architectures"),
            executable = True,
        ),
    },
    doc = "The library as it is; building it, or anything of it, fails where its GPU code is not " +
          "for the architectures asked for.",
)
