"""`hip_toolkit`: a clang that compiles HIP, with its inputs."""

HipToolkitInfo = provider(
    doc = "A clang that compiles HIP, with its inputs. Directories are paths from the execution " +
          "root.",
    fields = {
        "clang": "Path of clang++.",
        "device_libraries": "Directory of AMD's device libraries (bitcode).",
        "files": "Depset of clang, the programs that it calls, their libraries, and all headers.",
        "resources": "clang's resource directory: its own headers.",
        "root": "Directory with `include/hip` and `share/hip`, as clang's --rocm-path takes it.",
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
            resources = root + "/" + ctx.attr.resources,
            root = root + "/" + ctx.attr.root if ctx.attr.root else root,
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
            doc = "Directory of AMD's device libraries in this repository.",
            mandatory = True,
        ),
        "files": attr.label(
            doc = "clang, the programs that it calls, their libraries, and all headers.",
            mandatory = True,
        ),
        "resources": attr.string(
            doc = "clang's resource directory in this repository.",
            mandatory = True,
        ),
        "root": attr.string(
            doc = "Directory with `include/hip` and `share/hip` in this repository; empty for " +
                  "its root.",
        ),
    },
    doc = "Describes a toolkit at the root of an external repository.",
    provides = [HipToolkitInfo],
)
