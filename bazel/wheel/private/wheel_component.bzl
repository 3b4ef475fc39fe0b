"""Implementation of `wheel_component`: a third-party work whose code is in a wheel."""

load(":wheel_info.bzl", "WheelComponentInfo")

def _wheel_component_impl(ctx):
    return [WheelComponentInfo(
        archive = ctx.attr.file,
        component = ctx.attr.component,
        license_expression = ctx.attr.license_expression,
        license_files = {
            path: target.files.to_list()[0]
            for target, path in ctx.attr.license_files.items()
        },
        package = ctx.attr.package,
        purl = ctx.attr.purl,
        sha256 = ctx.attr.sha256,
        version = ctx.attr.version,
    )]

wheel_component = rule(
    implementation = _wheel_component_impl,
    attrs = {
        "component": attr.string(
            doc = "Name of the work.",
            mandatory = True,
        ),
        "file": attr.string(
            doc = "File name or address of the pinned archive that it was taken from, as for " +
                  "`pip_archive`; or of Debian's package.",
            mandatory = True,
        ),
        "license_expression": attr.string(
            doc = "SPDX expression of its licence.",
            mandatory = True,
        ),
        "license_files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Licence file -> its path below the wheel's `licenses` directory, where two " +
                  "components may share a file. Empty only for licences that ask for no copy of " +
                  "their text.",
        ),
        "package": attr.string(
            doc = "Project of the Python index that has the archive, as for `pip_archive`; or " +
                  "name of Debian's package.",
            mandatory = True,
        ),
        "purl": attr.string(
            doc = "Package URL, with which vulnerability databases know the work.",
            mandatory = True,
        ),
        "sha256": attr.string(
            doc = "SHA-256 of the archive, as for `pip_archive`.",
            mandatory = True,
        ),
        "version": attr.string(
            doc = "Its version.",
            mandatory = True,
        ),
    },
    doc = "A third-party work whose code is in a wheel: its licences go into the wheel, its name " +
          "and hash into the SBOM.",
    provides = [WheelComponentInfo],
)
