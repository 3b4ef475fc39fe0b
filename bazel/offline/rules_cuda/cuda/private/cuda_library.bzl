"""`cuda_library`: compiles CUDA sources with nvcc into a static library, as rules_cuda does.

Only position independent objects are made, so each source is compiled once.
"""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain", "use_cpp_toolchain")
load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load(":archs.bzl", "CudaArchsInfo", "parse_archs")
load(":toolchain.bzl", "TOOLCHAIN_TYPE")

_SOURCES = [".cu", ".cc", ".cpp"]
_HEADERS = [".cuh", ".h", ".hpp", ".hh", ".inl", ".inc"]

# nvcc takes the sources apart itself, so the compiler must not be told to compile.
_NOT_FOR_NVCC = ["-c"]

def _architectures(ctx):
    if ctx.attr.archs:
        return parse_archs(";".join(ctx.attr.archs))
    return ctx.attr._archs[CudaArchsInfo]

def _generate_code(archs):
    """Returns nvcc's flags for the architectures, each code on its own as in rules_cuda."""
    return [
        "-gencode=arch=compute_{},code={}_{}".format(
            spec.stage1_arch,
            "compute" if code.virtual else "sm",
            code.arch,
        )
        for spec in archs.arch_specs
        for code in spec.stage2_archs
    ]

def _compiler(zig, features):
    """Returns the path of the host compiler, and its environment if that is not the toolchain's."""
    if zig:
        return zig.dirname + "/zig-cc.sh", {"ZIG": zig.path, "ZIG_LIB_DIR": zig.dirname + "/lib"}
    return cc_common.get_tool_for_action(
        action_name = ACTION_NAMES.cpp_compile,
        feature_configuration = features,
    ), {}

def _host_compiler(ctx, cc_toolchain, features):
    """Returns nvcc's use of the C++ toolchain: struct(path, flags, env)."""
    variables = cc_common.create_compile_variables(
        cc_toolchain = cc_toolchain,
        feature_configuration = features,
        use_pic = True,
        user_compile_flags = ctx.attr._host_copts[BuildSettingInfo].value + ctx.attr.host_copts,
    )
    arguments = dict(
        action_name = ACTION_NAMES.cpp_compile,
        feature_configuration = features,
        variables = variables,
    )
    flags = cc_common.get_memory_inefficient_command_line(**arguments)
    path, environment = _compiler(ctx.toolchains[TOOLCHAIN_TYPE].host_zig, features)
    return struct(
        env = cc_common.get_environment_variables(**arguments) | environment,
        flags = [flag for flag in flags if flag not in _NOT_FOR_NVCC],
        path = path,
    )

def _own_includes(ctx):
    package = "/".join([part for part in [ctx.label.workspace_root, ctx.label.package] if part])
    return [package + "/" + path for path in ctx.attr.includes]

def _common_arguments(ctx, host, context):
    """Returns nvcc's arguments for every source."""
    arguments = ctx.actions.args()
    arguments.add_all(["-x", "cu", "-ccbin", host.path])
    arguments.add_all(_generate_code(_architectures(ctx)))

    # Parameters of ptxas are one word each.
    arguments.add_all(ctx.attr.ptxasopts, before_each = "-Xptxas")
    arguments.add_all(host.flags, before_each = "-Xcompiler")
    arguments.add_all(_own_includes(ctx), format_each = "-I%s")
    arguments.add_all(
        depset(transitive = [context.includes, context.quote_includes]),
        format_each = "-I%s",
    )
    arguments.add_all(context.system_includes, before_each = "-isystem")
    defines = ctx.attr.local_defines + ctx.attr.defines
    defines = defines + ctx.attr.host_local_defines + ctx.attr.host_defines
    arguments.add_all(defines, format_each = "-D%s")
    arguments.add_all(context.defines, format_each = "-D%s")
    arguments.add_all(ctx.attr._copts[BuildSettingInfo].value + ctx.attr.copts)
    return arguments

def _source_arguments(ctx, source, output):
    """Returns nvcc's arguments for one source."""
    arguments = ctx.actions.args()

    # Names of temporary files get into the object otherwise.
    arguments.add("-objtemp")
    if ctx.toolchains[TOOLCHAIN_TYPE].has_random_seed:
        arguments.add(output, format = "--frandom-seed=%s")
    arguments.add("-c", source)
    arguments.add("-o", output)
    return arguments

def _compile(ctx, cc_toolchain, features, context):
    """Compiles every source; returns the objects."""
    toolchain = ctx.toolchains[TOOLCHAIN_TYPE]
    host = _host_compiler(ctx, cc_toolchain, features)
    headers = [file for file in ctx.files.srcs + ctx.files.hdrs if "." + file.extension in _HEADERS]
    inputs = depset(
        headers,
        transitive = [context.headers, toolchain.all_files, cc_toolchain.all_files],
    )
    common = _common_arguments(ctx, host, context)
    objects = []
    for source in ctx.files.srcs:
        if source in headers:
            continue
        output = ctx.actions.declare_file("_objs/{}/{}.pic.o".format(
            ctx.label.name,
            source.basename.removesuffix("." + source.extension),
        ))
        ctx.actions.run(
            arguments = [common, _source_arguments(ctx, source, output)],
            # nvcc calls a shell and, through it, its tools.
            env = host.env | {"PATH": "/usr/bin:/bin"},
            executable = toolchain.compiler_executable,
            inputs = depset([source], transitive = [inputs]),
            mnemonic = "CudaCompile",
            outputs = [output],
            progress_message = "Compiling {} for CUDA".format(source.short_path),
        )
        objects.append(output)
    return objects

def _own_context(ctx):
    """Returns the CcInfo of this library for its dependents."""
    return cc_common.create_compilation_context(
        defines = depset(ctx.attr.host_defines + ctx.attr.defines),
        headers = depset(ctx.files.hdrs),
        includes = depset(_own_includes(ctx)),
    )

def _cuda_library_impl(ctx):
    cc_toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = cc_toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    dependencies = [target[CcInfo] for target in ctx.attr.deps + [ctx.attr._runtime]]
    context = cc_common.merge_cc_infos(cc_infos = dependencies).compilation_context
    objects = _compile(ctx, cc_toolchain, features, context)
    linking_context, linking_outputs = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        alwayslink = ctx.attr.alwayslink,
        cc_toolchain = cc_toolchain,
        compilation_outputs = cc_common.create_compilation_outputs(pic_objects = depset(objects)),
        disallow_dynamic_library = True,
        feature_configuration = features,
        linking_contexts = [dependency.linking_context for dependency in dependencies],
        name = ctx.label.name,
        user_link_flags = ctx.attr.host_linkopts,
    )
    library = linking_outputs.library_to_link
    libraries = [library.pic_static_library] if library else []
    own = CcInfo(compilation_context = _own_context(ctx), linking_context = linking_context)
    return [
        DefaultInfo(files = depset(libraries)),
        OutputGroupInfo(pic_lib = libraries, pic_objects = objects),
        cc_common.merge_cc_infos(
            direct_cc_infos = [own],
            cc_infos = [CcInfo(compilation_context = context)],
        ),
    ]

cuda_library = rule(
    implementation = _cuda_library_impl,
    attrs = {
        "alwayslink": attr.bool(
            doc = "Whether all objects are linked, needed or not.",
        ),
        "archs": attr.string_list(
            doc = "Architectures for this target alone, in place of the flag //cuda:archs.",
        ),
        "copts": attr.string_list(
            doc = "Options for nvcc.",
        ),
        "defines": attr.string_list(
            doc = "Macros for this target and all that depend on it.",
        ),
        "deps": attr.label_list(
            doc = "C++ and CUDA libraries.",
            providers = [CcInfo],
        ),
        "hdrs": attr.label_list(
            allow_files = _HEADERS,
            doc = "Public headers.",
        ),
        "host_copts": attr.string_list(
            doc = "Options for the host compiler.",
        ),
        "host_defines": attr.string_list(
            doc = "Like `defines`.",
        ),
        "host_linkopts": attr.string_list(
            doc = "Options for the link that this library goes into.",
        ),
        "host_local_defines": attr.string_list(
            doc = "Like `local_defines`.",
        ),
        "includes": attr.string_list(
            doc = "Include directories, relative to the package.",
        ),
        "local_defines": attr.string_list(
            doc = "Macros for this target alone.",
        ),
        "ptxasopts": attr.string_list(
            doc = "Options for ptxas.",
        ),
        "srcs": attr.label_list(
            allow_files = _SOURCES + _HEADERS,
            doc = "Sources and private headers.",
        ),
        "_archs": attr.label(
            default = Label("//cuda:archs"),
        ),
        "_cc_toolchain": attr.label(
            default = Label("@bazel_tools//tools/cpp:current_cc_toolchain"),
        ),
        "_copts": attr.label(
            default = Label("//cuda:copts"),
        ),
        "_host_copts": attr.label(
            default = Label("//cuda:host_copts"),
        ),
        "_runtime": attr.label(
            default = Label("//cuda:runtime"),
        ),
    },
    doc = "Compiles CUDA sources into a static library for cc_* rules.",
    fragments = ["cpp"],
    provides = [CcInfo],
    toolchains = use_cpp_toolchain() + [TOOLCHAIN_TYPE],
)
