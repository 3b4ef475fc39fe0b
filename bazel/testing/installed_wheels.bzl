"""`installed_wheels`: wheels that pip installs into a directory, like a user's site-packages."""

load(":python_program.bzl", "PYTHON_TOOLCHAIN", "toolchain_python")

_COMMAND = """
set -eu
# The wheels travel as a find-links folder: pip takes no requirement from anywhere else.
mkdir wheels
cp $WHEELS wheels/
"$PYTHON" -I "$PIP/pip" --isolated install --quiet --no-index --no-deps --no-compile \
    --no-cache-dir --disable-pip-version-check --no-warn-script-location \
    --root-user-action=ignore --target "$OUT" wheels/*.whl
# Scripts name the interpreter by a path in this action's sandbox.
for script in "$OUT"/bin/*; do
    [ ! -f "$script" ] || [ "$(head -c 2 "$script")" != '#!' ] || rm "$script"
done
"""

def _installed_wheels_impl(ctx):
    site = ctx.actions.declare_directory(ctx.label.name)
    python = toolchain_python(ctx)
    ctx.actions.run_shell(
        command = _COMMAND,
        env = {
            "HOME": "/nonexistent",
            "OUT": site.path,
            "PIP": ctx.file._pip.path,
            "PYTHON": python.path,
            "WHEELS": " ".join([file.path for file in ctx.files.wheels]),
        },
        inputs = depset(ctx.files.wheels + [ctx.file._pip], transitive = [python.files]),
        mnemonic = "InstallWheels",
        outputs = [site],
        progress_message = "Installing wheels for %{label}",
    )
    return [DefaultInfo(files = depset([site]), runfiles = ctx.runfiles([site]))]

installed_wheels = rule(
    implementation = _installed_wheels_impl,
    attrs = {
        "wheels": attr.label_list(
            allow_files = [".whl"],
            doc = "Every wheel to install; their requirements are not followed.",
            mandatory = True,
        ),
        "_pip": attr.label(
            allow_single_file = [".whl"],
            default = "@pip_wheel//:files",
        ),
    },
    doc = "A directory to put on PYTHONPATH.",
    toolchains = [PYTHON_TOOLCHAIN],
)
