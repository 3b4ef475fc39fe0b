"""Implementation of `py_abi_wheel`: a wheel for one Python ABI whose tags come from the toolchain and platform."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//bazel/toolchains/python:abi.bzl", "PythonAbiInfo")
load("//platforms:glibc.bzl", "GLIBC_FLOORS", "glibc_value")
load("//platforms:platforms.bzl", "LINUX_CPUS")

def _has(ctx, target):
    return ctx.target_platform_has_constraint(target[platform_common.ConstraintValueInfo])

def _constrained(ctx, values, what):
    """Name of the one constraint value among `values` that the target platform has."""
    for target, name in values.items():
        if _has(ctx, target):
            return name
    fail("{}: the target platform has none of the known values of {}: {}".format(
        ctx.label,
        what,
        ", ".join(values.values()),
    ))

def _platform_tag(ctx):
    """manylinux tag of PEP 600 for the platform's CPU and glibc floor."""
    floor = _constrained(ctx, ctx.attr._glibc, "glibc")
    cpu = _constrained(ctx, ctx.attr._cpus, "CPU")
    return "many" + floor.replace("glibc", "linux") + "_" + cpu

def _version(ctx):
    version = ctx.attr.version[BuildSettingInfo].value
    label = ctx.attr.local_label[BuildSettingInfo].value
    if label == "auto":
        label = ctx.attr.accelerator_label
    return version, label

def _python_files(ctx):
    """Wheel path -> file of the Python sources, relative to the folder that holds the package."""
    package = ctx.label.package + "/" if ctx.label.package else ""
    return {file.short_path.removeprefix(package): file for file in ctx.files.srcs}

def _members(ctx):
    members = _python_files(ctx)
    members.update({
        "{}/{}".format(ctx.attr.import_name, file.basename): file
        for file in ctx.files.extension
        if file.basename.endswith(ctx.attr.abi[PythonAbiInfo].ext_suffix)
    })
    members.update({
        "{}/lib/{}".format(ctx.attr.import_name, file.basename): file
        for file in ctx.files.native
    })
    return members

def _py_abi_wheel_impl(ctx):
    abi = ctx.attr.abi[PythonAbiInfo]
    version, label = _version(ctx)
    full_version = version + ("+" + label if label else "")
    platform_tag = _platform_tag(ctx)
    tag = "-".join([abi.python_tag, abi.abi_tag, platform_tag])
    wheel = ctx.actions.declare_file("{}-{}-{}.whl".format(
        ctx.attr.distribution.replace("-", "_"),
        full_version,
        tag,
    ))
    members = _members(ctx)
    license_files = {name: target.files.to_list()[0] for target, name in ctx.attr.license_files.items()}
    build_info = dict(ctx.attr.build_info)
    build_info.update(ctx.attr.build_info_lists)
    build_info.update(
        LOCAL_LABEL = label,
        PLATFORM = platform_tag,
        PYTHON_ABI = abi.abi_tag,
        VERSION = version,
    )
    specification = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(specification, json.encode({
        "build_info": build_info,
        "classifiers": ctx.attr.classifiers,
        "description": ctx.file.description.path,
        "distribution": ctx.attr.distribution,
        "extras": ctx.attr.extras,
        "free_threaded": abi.free_threaded,
        "import_name": ctx.attr.import_name,
        "license_expression": ctx.attr.license_expression,
        "license_files": {name: file.path for name, file in license_files.items()},
        "members": {path: file.path for path, file in members.items()},
        "requires": ctx.attr.requires,
        "requires_python": ctx.attr.requires_python,
        "summary": ctx.attr.summary,
        "tag": tag,
        "urls": ctx.attr.project_urls,
        "version": full_version,
    }))
    ctx.actions.run(
        arguments = [specification.path, wheel.path],
        executable = ctx.executable._writer,
        inputs = members.values() + license_files.values() + [specification, ctx.file.description],
        mnemonic = "PyAbiWheel",
        outputs = [wheel],
        progress_message = "Writing " + wheel.basename,
    )
    return [DefaultInfo(files = depset([wheel]))]

py_abi_wheel = rule(
    implementation = _py_abi_wheel_impl,
    attrs = {
        "abi": attr.label(
            doc = "The Python ABI that the extension is built for.",
            mandatory = True,
            providers = [PythonAbiInfo],
        ),
        "accelerator_label": attr.string(
            doc = "Local version label where `local_label` says `auto`.",
        ),
        "build_info": attr.string_dict(
            doc = "Constants for the generated `_build_info.py`, beside those that the rule derives.",
        ),
        "build_info_lists": attr.string_list_dict(
            doc = "Like `build_info`, for constants that are tuples.",
        ),
        "classifiers": attr.string_list(
            doc = "Trove classifiers of METADATA.",
        ),
        "description": attr.label(
            allow_single_file = [".md"],
            doc = "Markdown text that becomes the body of METADATA.",
            mandatory = True,
        ),
        "distribution": attr.string(
            doc = "Name of the distribution, as pip knows it.",
            mandatory = True,
        ),
        "extension": attr.label(
            doc = "The extension module.",
            mandatory = True,
        ),
        "extras": attr.string_list_dict(
            doc = "Extra -> requirements.",
        ),
        "import_name": attr.string(
            doc = "Name of the Python package.",
            mandatory = True,
        ),
        "license_expression": attr.string(
            doc = "SPDX expression (PEP 639).",
            mandatory = True,
        ),
        "license_files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Licence file -> its name in the wheel's `licenses` folder.",
        ),
        "local_label": attr.label(
            doc = "Flag with the local version label: `auto` takes `accelerator_label`, empty none.",
            mandatory = True,
            providers = [BuildSettingInfo],
        ),
        "native": attr.label_list(
            allow_files = True,
            doc = "Libraries and programs for the package's `lib` folder.",
        ),
        "project_urls": attr.string_dict(
            doc = "Label -> address.",
        ),
        "requires": attr.string_list(
            doc = "Requirements (PEP 508).",
        ),
        "requires_python": attr.string(
            doc = "Requires-Python of METADATA.",
            mandatory = True,
        ),
        "srcs": attr.label_list(
            allow_files = True,
            doc = "Python sources, stubs and markers of the package.",
            mandatory = True,
        ),
        "summary": attr.string(
            doc = "One line for METADATA.",
            mandatory = True,
        ),
        "version": attr.label(
            doc = "Flag with the public version.",
            mandatory = True,
            providers = [BuildSettingInfo],
        ),
        "_cpus": attr.label_keyed_string_dict(
            default = {Label("@platforms//cpu:" + cpu): cpu for cpu in LINUX_CPUS},
        ),
        "_glibc": attr.label_keyed_string_dict(
            default = {Label("//platforms:" + glibc_value(floor)): glibc_value(floor) for floor in GLIBC_FLOORS},
        ),
        "_writer": attr.label(
            cfg = "exec",
            default = Label("//bazel/wheel/private:write_wheel"),
            executable = True,
        ),
    },
    doc = "Writes a wheel. Its Python, ABI and platform tags come from `abi` and the target platform.",
)
