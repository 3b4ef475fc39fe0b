"""Implementation of `wheel_library`: a wheel's contents as a dependency of Python programs."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load(":wheel_info.bzl", "WheelInfo")

def _runfiles_path(ctx, file):
    """Returns a file's path below the root of a program's runfiles."""
    if file.short_path.startswith("../"):
        return file.short_path.removeprefix("../")
    return ctx.workspace_name + "/" + file.short_path

def _wheel_library_impl(ctx):
    wheel = ctx.attr.wheel[WheelInfo].wheel
    site = ctx.actions.declare_directory(ctx.label.name + ".site")
    ctx.actions.run(
        arguments = [wheel.path, site.path],
        executable = ctx.executable._unpacker,
        inputs = [wheel],
        mnemonic = "UnpackWheel",
        outputs = [site],
        progress_message = "Unpacking " + wheel.basename,
    )
    files = depset([site])
    return [
        DefaultInfo(
            files = files,
            runfiles = ctx.runfiles(transitive_files = files),
        ),
        # The wheel's check runs for its dependents too.
        OutputGroupInfo(_validation = ctx.attr.wheel[OutputGroupInfo]._validation),
        PyInfo(
            imports = depset([_runfiles_path(ctx, site)]),
            transitive_sources = files,
        ),
    ]

wheel_library = rule(
    implementation = _wheel_library_impl,
    attrs = {
        "wheel": attr.label(
            doc = "A wheel of this package's rules.",
            mandatory = True,
            providers = [WheelInfo],
        ),
        "_unpacker": attr.label(
            cfg = "exec",
            default = Label("//bazel/wheel/private:unpack_wheel"),
            executable = True,
        ),
    },
    doc = "For `deps` of py_binary, py_library and py_test: a program imports the files that an " +
          "installation has. Requirements of the wheel are not followed.",
    provides = [PyInfo],
)
