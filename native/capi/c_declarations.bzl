"""`c_declarations`: Python modules with the declarations of C headers for ctypes."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _module_files(ctx, name):
    return [
        ctx.actions.declare_file("{}/{}.{}".format(ctx.attr.package, name, suffix))
        for suffix in ["py", "pyi"]
    ]

def _include_directories(compilation_context):
    return depset(transitive = [
        compilation_context.includes,
        compilation_context.quote_includes,
        compilation_context.system_includes,
    ])

def _c_declarations_impl(ctx):
    compilation_context = ctx.attr.deps[CcInfo].compilation_context
    constants = ctx.actions.declare_file(ctx.attr.package + "/constants.py")
    names = ctx.actions.declare_file(ctx.attr.package + "/names.inc")
    page = ctx.actions.declare_file(ctx.attr.package + "/c-api.md")
    modules = [constants]
    arguments = ctx.actions.args()
    arguments.add("--zig", ctx.executable._zig)
    arguments.add("--out", constants.dirname)
    arguments.add_all(
        _include_directories(compilation_context),
        before_each = "--include",
    )
    for name, value in ctx.attr.modules.items():
        modules.extend(_module_files(ctx, name))
        arguments.add("--module", "{}={}".format(name, value))
    arguments.add("--constants", ",".join(ctx.attr.constants))
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._generator,
        inputs = depset(transitive = [compilation_context.headers, ctx.attr._zig_headers.files]),
        mnemonic = "CDeclarations",
        outputs = modules + [names, page],
        progress_message = "Writing declarations of llama.cpp's headers",
        tools = [ctx.executable._zig],
    )
    return [
        DefaultInfo(files = depset(modules)),
        OutputGroupInfo(
            names = depset([names]),
            page = depset([page]),
        ),
    ]

c_declarations = rule(
    implementation = _c_declarations_impl,
    attrs = {
        "constants": attr.string_list(
            doc = "Further headers of which `constants.py` has the macros and enumerators.",
        ),
        "deps": attr.label(
            doc = "cc_library with the headers.",
            mandatory = True,
            providers = [CcInfo],
        ),
        "modules": attr.string_dict(
            doc = "Module -> library and headers, such as `llama:llama.h`.",
            mandatory = True,
        ),
        "package": attr.string(
            doc = "Directory of the modules, below the directory of the BUILD file.",
            mandatory = True,
        ),
        "_generator": attr.label(
            cfg = "exec",
            default = Label("//native/capi:generate"),
            executable = True,
        ),
        "_zig": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = Label("//third_party/zig:zig"),
            executable = True,
        ),
        "_zig_headers": attr.label(
            cfg = "exec",
            default = Label("//third_party/zig:headers"),
        ),
    },
    doc = "Writes a module and its stub per library, and `constants.py` with the numbers of all " +
          "headers. Output group `names` has their names as calls of macros for a C++ program, " +
          "`page` the page of the reference. Whatever the C++ toolchain is, zig's clang reads " +
          "the headers.",
)
