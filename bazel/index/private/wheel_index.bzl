"""Implementation of `wheel_index`: a directory to host as it is, written from wheels."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

def _wheel_index_impl(ctx):
    tree = ctx.actions.declare_directory(ctx.label.name)
    arguments = ctx.actions.args()
    arguments.use_param_file("@%s")
    arguments.set_param_file_format("multiline")
    arguments.add_all("--out", [tree], expand_directories = False)
    upload_time = ctx.attr.upload_time[BuildSettingInfo].value if ctx.attr.upload_time else ""
    if upload_time:
        arguments.add("--upload-time", upload_time)
    for key, command in sorted(ctx.attr.build_commands.items()):
        arguments.add("--build-command", key + "=" + command)
    arguments.add_all(ctx.files.variants, before_each = "--variant")
    arguments.add_all(ctx.files.wheels)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._writer,
        inputs = ctx.files.wheels + ctx.files.variants,
        mnemonic = "WheelIndex",
        outputs = [tree],
        progress_message = "Writing the package index %{label}",
    )
    return [DefaultInfo(files = depset([tree]), runfiles = ctx.runfiles([tree]))]

wheel_index = rule(
    implementation = _wheel_index_impl,
    attrs = {
        "build_commands": attr.string_dict(
            doc = "`<backend>-<platform tag>` -> the command that builds such a wheel, for the " +
                  "landing page; `{abi}` stands for the ABI tag.",
        ),
        "upload_time": attr.label(
            doc = "Flag with the time that the JSON pages give as the files' upload time: RFC " +
                  "3339 in UTC, such as `2026-11-25T12:00:00Z`. Where it is empty they give " +
                  "none: an action has no clock.",
            providers = [BuildSettingInfo],
        ),
        "variants": attr.label_list(
            allow_files = [".whl"],
            doc = "Variant wheels, and the wheel without a variant beside them " +
                  "(`wheel_variant`): `whl/variants` lists them.",
        ),
        "wheels": attr.label_list(
            allow_files = [".whl"],
            doc = "Wheels; the local version label of each (`1.0+cpu`) names the backend " +
                  "directory that lists it.",
            mandatory = True,
        ),
        "_writer": attr.label(
            cfg = "exec",
            default = Label("//bazel/index/private:write_index"),
            executable = True,
        ),
    },
    doc = """Writes a static package index into one directory.

`whl/<backend>/<project>/` has the pages (PEP 503 HTML, PEP 691 JSON), copies of the wheels and
their metadata files (PEP 658); `whl/variants` exists if variants are given; `index.html` at the top
is the landing page. Wheels are copied, so the directory is as large as all of them.""",
)
