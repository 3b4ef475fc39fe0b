"""`hip_toolkit`: a clang that compiles HIP, with what it reads."""

HipToolkitInfo = provider(
    doc = "A clang that compiles HIP, with what it reads. Folders are paths from the execution root.",
    fields = {
        "clang": "Path of clang++.",
        "device_libraries": "Folder of AMD's device libraries (bitcode).",
        "files": "Depset of clang, the programs that it calls, what they are made of, and all headers.",
        "include": "Folder of HIP's headers.",
        "resources": "clang's resource folder: its own headers.",
    },
)

def _hip_toolkit_impl(ctx):
    root = ctx.label.workspace_root
    return [
        DefaultInfo(files = ctx.attr.files.files),
        HipToolkitInfo(
            clang = root + "/" + ctx.attr.clang,
            device_libraries = root + "/" + ctx.attr.device_libraries,
            files = ctx.attr.files.files,
            include = root + "/" + ctx.attr.include,
            resources = root + "/" + ctx.attr.resources,
        ),
    ]

hip_toolkit = rule(
    implementation = _hip_toolkit_impl,
    attrs = {
        "clang": attr.string(
            doc = "Path of clang++ in this repository.",
            mandatory = True,
        ),
        "device_libraries": attr.string(
            doc = "Folder of AMD's device libraries in this repository.",
            mandatory = True,
        ),
        "files": attr.label(
            doc = "clang, the programs that it calls, what they are made of, and all headers.",
            mandatory = True,
        ),
        "include": attr.string(
            doc = "Folder of HIP's headers in this repository.",
            mandatory = True,
        ),
        "resources": attr.string(
            doc = "clang's resource folder in this repository.",
            mandatory = True,
        ),
    },
    doc = "Describes a toolkit at the root of an external repository.",
    provides = [HipToolkitInfo],
)
