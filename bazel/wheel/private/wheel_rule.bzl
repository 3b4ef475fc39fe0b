"""Shared parts of the wheel rules: attributes, and the actions that write a wheel and check it."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//platforms:glibc.bzl", "GLIBC_FLOORS", "glibc_value")
load("//platforms:libc.bzl", "libc_value", "musl_platform_tag")
load("//platforms:macos.bzl", "macos_platform_tag")
load("//platforms:platforms.bzl", "LINUX_CPUS")
load("//platforms:windows.bzl", "windows_platform_tag")
load(":wheel_info.bzl", "WheelComponentInfo", "WheelInfo")

def _has(ctx, target):
    return ctx.target_platform_has_constraint(target[platform_common.ConstraintValueInfo])

def _constrained(ctx, values, what):
    """Returns the name of the one constraint among `values` that the target platform has."""
    for target, name in values.items():
        if _has(ctx, target):
            return name
    fail("{}: the target platform has none of the known values of {}: {}".format(
        ctx.label,
        what,
        ", ".join(values.values()),
    ))

def _platform_tag(ctx):
    """Returns the tag for CPU and C library (PEP 600, 656), macOS deployment target, or nothing."""
    cpu = _constrained(ctx, ctx.attr._cpus, "CPU")
    if _has(ctx, ctx.attr._macos):
        return macos_platform_tag(cpu)
    if _has(ctx, ctx.attr._windows):
        return windows_platform_tag(cpu)
    if _has(ctx, ctx.attr._musl):
        return musl_platform_tag(cpu)
    floor = _constrained(ctx, ctx.attr._glibc, "glibc")
    return "many" + floor.replace("glibc", "linux") + "_" + cpu

def _version(ctx):
    version = ctx.attr.version[BuildSettingInfo].value
    label = ctx.attr.local_label[BuildSettingInfo].value if ctx.attr.local_label else ""
    if label == "auto":
        label = ctx.attr.accelerator_label
    return version, label

def _runfiles_path(file):
    """Returns a file's path below the root of its own repository."""
    path = file.short_path
    return "/".join(path.split("/")[2:]) if path.startswith("../") else path

def _python_files(ctx):
    """Returns wheel path -> Python source, relative to the package's parent directory."""
    package = ctx.label.package + "/" if ctx.label.package else ""
    return {_runfiles_path(file).removeprefix(package): file for file in ctx.files.srcs}

def _add(ctx, files, path, file):
    """Adds a file under its path in the wheel; two files for one path would be a silent loss."""
    if files.setdefault(path, file) != file:
        fail((
            "{}: {} and {} would both be {} of the wheel; leave one out, or give it another name"
        ).format(
            ctx.label,
            files[path].path,
            file.path,
            path,
        ))

def _members(ctx, extension):
    """Returns wheel path -> file, for all but the .dist-info directory."""
    members = _python_files(ctx)
    for file in extension:
        _add(ctx, members, "{}/{}".format(ctx.attr.import_name, file.basename), file)
    for file in ctx.files.native:
        _add(ctx, members, "{}/lib/{}".format(ctx.attr.import_name, file.basename), file)
    return members

def _license_files(ctx):
    """Returns path below `licenses` -> file: the project's own and every component's."""
    files = {}
    for target, path in ctx.attr.license_files.items():
        _add(ctx, files, path, target.files.to_list()[0])
    for component in ctx.attr.components:
        for path, file in component[WheelComponentInfo].license_files.items():
            _add(ctx, files, path, file)
    return files

def _component(target):
    """Returns the SBOM's facts about a component."""
    info = target[WheelComponentInfo]
    return {
        "archive": info.archive,
        "license_expression": info.license_expression,
        "license_files": info.license_files.keys(),
        "name": info.component,
        "package": info.package,
        "purl": info.purl,
        "sha256": info.sha256,
        "version": info.version,
    }

def _build_info(ctx, info):
    """Constants of the generated `_build_info.py`."""
    result = dict(ctx.attr.build_info)
    result.update(ctx.attr.build_info_lists)
    result.update({name: json.decode(value) for name, value in ctx.attr.build_info_json.items()})
    result.update(
        LOCAL_LABEL = info.local_label,
        PLATFORM = info.platform_tag,
        PYTHON_ABI = info.abi_tag,
        VERSION = info.version,
    )
    return result

def _write(ctx, info, extension, license_expression):
    """Writes the wheel."""
    members = _members(ctx, extension)
    license_files = _license_files(ctx)
    specification = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(specification, json.encode({
        "build_info": _build_info(ctx, info),
        "classifiers": ctx.attr.classifiers,
        "components": [_component(target) for target in ctx.attr.components],
        "description": ctx.file.description_file.path,
        "distribution": info.distribution,
        "entry_points": ctx.attr.entry_points,
        "extras": ctx.attr.extra_requires,
        "generator": ctx.attr.generator,
        "import_name": ctx.attr.import_name,
        "license_expression": license_expression,
        "license_files": {name: file.path for name, file in license_files.items()},
        "members": {path: file.path for path, file in members.items()},
        "requires": ctx.attr.requires,
        "requires_python": ctx.attr.python_requires,
        "summary": ctx.attr.summary,
        "tag": _tag(info),
        "urls": ctx.attr.project_urls,
        "version": _full_version(info),
    }))
    ctx.actions.run(
        arguments = [specification.path, info.wheel.path],
        executable = ctx.executable._writer,
        inputs = members.values() + license_files.values() + [
            specification,
            ctx.file.description_file,
        ],
        mnemonic = "PyAbiWheel",
        outputs = [info.wheel],
        progress_message = "Writing " + info.wheel.basename,
    )

def _check(ctx, info, ext_suffix):
    """Fails if the wheel does not match its name. Returns the (empty) report."""
    expected = ctx.actions.declare_file(ctx.label.name + ".expected.json")
    ctx.actions.write(expected, json.encode({
        "abi_tag": info.abi_tag,
        "accelerator": ctx.attr.accelerator_label,
        "distribution": info.distribution,
        "ext_suffix": ext_suffix,
        "platform_tag": info.platform_tag,
        "python_tag": info.python_tag,
        "version": _full_version(info),
    }))
    report = ctx.actions.declare_file(ctx.label.name + ".checked")
    ctx.actions.run(
        arguments = [
            "--expect",
            expected.path,
            "--policy",
            ctx.file.policy.path,
            "--report",
            report.path,
            info.wheel.path,
        ],
        executable = ctx.executable._checker,
        inputs = [expected, ctx.file.policy, info.wheel],
        mnemonic = "CheckWheel",
        outputs = [report],
        progress_message = "Checking " + info.wheel.basename,
    )
    return report

def _wheel_info(ctx, python_tag, abi_tag):
    """Returns the wheel's name, from the ABI, the platform and the flags."""
    version, label = _version(ctx)
    info = dict(
        abi_tag = abi_tag,
        distribution = ctx.attr.distribution,
        local_label = label,
        platform_tag = _platform_tag(ctx),
        python_tag = python_tag,
        version = version,
    )
    names = struct(**info)
    file_name = "{}-{}-{}.whl".format(
        names.distribution.replace("-", "_"),
        _full_version(names),
        _tag(names),
    )
    return WheelInfo(wheel = ctx.actions.declare_file(file_name), **info)

def _full_version(info):
    return info.version + ("+" + info.local_label if info.local_label else "")

def _tag(info):
    return "-".join([info.python_tag, info.abi_tag, info.platform_tag])

def make_wheel(ctx, python_tag, abi_tag, license_expression, ext_suffix = "", extension = []):
    """Implements a wheel rule that has WHEEL_ATTRS.

    Args:
      ctx: its context.
      python_tag: Python tag of PEP 425.
      abi_tag: ABI tag of PEP 425; `none` for a wheel without an extension module.
      license_expression: SPDX expression (PEP 639).
      ext_suffix: suffix of the names of the ABI's extension modules.
      extension: files of the extension module.

    Returns:
      The providers of the rule.
    """
    info = _wheel_info(ctx, python_tag, abi_tag)
    _write(ctx, info, extension, license_expression)
    return [
        DefaultInfo(files = depset([info.wheel])),
        # Bazel runs this whenever the wheel is built, for any target.
        OutputGroupInfo(_validation = depset([_check(ctx, info, ext_suffix)])),
        info,
    ]

WHEEL_ATTRS = {
    "accelerator_label": attr.string(
        doc = "Accelerator that the wheel is built for: its local version label where " +
              "`local_label` says `auto`, and the libraries that it may need (`policy`).",
        mandatory = True,
    ),
    "build_info": attr.string_dict(
        doc = "Constants for the generated `_build_info.py`, beside the derived ones.",
    ),
    "build_info_json": attr.string_dict(
        doc = "Like `build_info`, for constants that are dictionaries, as JSON objects.",
    ),
    "build_info_lists": attr.string_list_dict(
        doc = "Like `build_info`, for constants that are tuples.",
    ),
    "classifiers": attr.string_list(
        doc = "Trove classifiers of METADATA.",
    ),
    "components": attr.label_list(
        doc = "Third-party works whose code is inside: their licences go into the wheel, and the " +
              "SBOM names them.",
        providers = [WheelComponentInfo],
    ),
    "description_file": attr.label(
        allow_single_file = [".md"],
        doc = "Markdown text that becomes the body of METADATA.",
        mandatory = True,
    ),
    "distribution": attr.string(
        doc = "Name of the distribution, as pip knows it.",
        mandatory = True,
    ),
    "entry_points": attr.string_list_dict(
        doc = "Group -> entry points, such as `console_scripts` -> `name = module:function`.",
    ),
    "extra_requires": attr.string_list_dict(
        doc = "Extra -> requirements, as in `requires`.",
    ),
    "generator": attr.string(
        default = "py_abi_wheel",
        doc = "Generator of WHEEL, and tool of the SBOM.",
    ),
    "import_name": attr.string(
        doc = "Name of the Python package.",
        mandatory = True,
    ),
    "license_files": attr.label_keyed_string_dict(
        allow_files = True,
        doc = "Licence file of the project itself -> its path below the wheel's `licenses` " +
              "directory.",
        mandatory = True,
    ),
    "local_label": attr.label(
        doc = "Flag with the local version label: `auto` takes `accelerator_label`, empty none. " +
              "None for a wheel whose version never has one.",
        providers = [BuildSettingInfo],
    ),
    "native": attr.label_list(
        allow_files = True,
        doc = "Libraries and programs for the package's `lib` directory.",
    ),
    "policy": attr.label(
        allow_single_file = [".json"],
        default = Label("//bazel/wheel:default_policy"),
        doc = "The `wheel_policy` that the checker compares the wheel with; by default one " +
              "without accelerators.",
    ),
    "project_urls": attr.string_dict(
        doc = "Label -> address.",
    ),
    "python_requires": attr.string(
        doc = "Requires-Python of METADATA.",
        mandatory = True,
    ),
    "requires": attr.string_list(
        doc = "Requirements (PEP 508); `{version}` stands for the public version of the wheel.",
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
    "_checker": attr.label(
        cfg = "exec",
        default = Label("//bazel/wheel/private:check_wheel"),
        executable = True,
    ),
    "_cpus": attr.label_keyed_string_dict(
        default = {Label("@platforms//cpu:" + cpu): cpu for cpu in LINUX_CPUS},
    ),
    "_glibc": attr.label_keyed_string_dict(
        default = {
            Label("//platforms:" + glibc_value(floor)): glibc_value(floor)
            for floor in GLIBC_FLOORS
        },
    ),
    "_macos": attr.label(
        default = Label("@platforms//os:macos"),
    ),
    "_musl": attr.label(
        default = Label("//platforms:" + libc_value("musl")),
    ),
    "_windows": attr.label(
        default = Label("@platforms//os:windows"),
    ),
    "_writer": attr.label(
        cfg = "exec",
        default = Label("//bazel/wheel/private:write_wheel"),
        executable = True,
    ),
}
