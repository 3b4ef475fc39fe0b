"""`site_run`: runs a Python program with the packages of `installed_wheels` to fill a directory."""

load(":python_program.bzl", "PYTHON_TOOLCHAIN", "toolchain_python")

_COMMAND = """
set -eu
export PYTHONPATH="$PWD/$SITE" PYTHONDONTWRITEBYTECODE=1
"$PYTHON" "$PROGRAM" "$@"
"""

def _site_run_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    python = toolchain_python(ctx)
    ctx.actions.run_shell(
        arguments = [
            ctx.expand_location(argument, ctx.attr.srcs)
            for argument in ctx.attr.arguments
        ] + [ctx.attr.output_option, out.path],
        command = _COMMAND,
        env = {
            "HOME": "/nonexistent",
            "PROGRAM": ctx.file.program.path,
            "PYTHON": python.path,
            "SITE": ctx.file.site.path,
        },
        inputs = depset(
            ctx.files.srcs + [ctx.file.program, ctx.file.site],
            transitive = [python.files],
        ),
        mnemonic = "SiteRun",
        outputs = [out],
        progress_message = "Running {} for %{{label}}".format(ctx.file.program.basename),
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

site_run = rule(
    implementation = _site_run_impl,
    attrs = {
        "arguments": attr.string_list(
            doc = "Arguments before the output directory; `$(location ...)` of `srcs` is " +
                  "expanded.",
        ),
        "output_option": attr.string(
            doc = "Option that takes the output directory, such as `--out`.",
            mandatory = True,
        ),
        "program": attr.label(
            allow_single_file = [".py"],
            doc = "The program.",
            mandatory = True,
        ),
        "site": attr.label(
            allow_single_file = True,
            doc = "An `installed_wheels` directory with the packages that the program imports.",
            mandatory = True,
        ),
        "srcs": attr.label_list(
            allow_files = True,
            doc = "Modules beside the program, and files that it reads.",
        ),
    },
    doc = "A directory made by a Python program, for models that tests read.",
    toolchains = [PYTHON_TOOLCHAIN],
)
