"""`python_import_library`: an extension's symbols of Python, for the linker of Windows."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _objects(dep):
    """Returns the object files of a cc_library itself, without its dependencies."""
    return [
        file
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list()
        if linker_input.owner == dep.label
        for library in linker_input.libraries
        for file in library.pic_objects or library.objects
    ]

def _python_import_library_impl(ctx):
    library = ctx.actions.declare_file(ctx.label.name + ".lib")
    arguments = ctx.actions.args()
    arguments.add("--zig", ctx.executable._zig)
    arguments.add("--dll", ctx.attr.dll)
    arguments.add("--out", library)
    objects = [file for dep in ctx.attr.deps for file in _objects(dep)]
    arguments.add_all(objects)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._maker,
        inputs = objects,
        mnemonic = "PythonImportLibrary",
        outputs = [library],
        progress_message = "Writing an import library of " + ctx.attr.dll,
        tools = [ctx.executable._zig],
    )
    return [DefaultInfo(files = depset([library]))]

python_import_library = rule(
    implementation = _python_import_library_impl,
    attrs = {
        "deps": attr.label_list(
            doc = "cc_library targets of the extension; their own object files are read.",
            mandatory = True,
            providers = [CcInfo],
        ),
        "dll": attr.string(
            doc = "The DLL that has the symbols, such as `python314.dll`.",
            mandatory = True,
        ),
        "_maker": attr.label(
            cfg = "exec",
            default = Label("//bazel/wheel/private:make_import_library"),
            executable = True,
        ),
        "_zig": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = Label("//third_party/zig:zig"),
            executable = True,
        ),
    },
    doc = "Writes an import library with the Python symbols that object files need.",
)
