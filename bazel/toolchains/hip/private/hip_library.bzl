"""`hip_library`: HIP sources compiled by clang, once each, into a static library for cc_* rules.

clang compiles both halves of a file, that of the GPU and that of the host; for the latter it reads
the headers of the C++ toolchain, whose linker and C++ runtime it shall fit.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain", "use_cpp_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//bazel/toolchains/zig:clang_flags.bzl", "zig_clang_flags")
load(":archs.bzl", "HipArchsInfo")
load(":toolkit.bzl", "HipToolkitInfo")

_SOURCES = [".cu", ".hip", ".cpp"]
_HEADERS = [".cuh", ".h", ".hpp"]

def _common_arguments(ctx, cc_toolchain, context):
    """Returns clang's arguments for every source."""
    toolkit = ctx.attr._toolkit[HipToolkitInfo]
    arguments = ctx.actions.args()
    arguments.add_all(["-x", "hip"])
    arguments.add_all(ctx.attr._archs[HipArchsInfo].archs, format_each = "--offload-arch=%s")

    # Of its directories clang knows the absolute paths otherwise, and of the machine its settings.
    arguments.add_all(["-no-canonical-prefixes", "--no-default-config"])
    arguments.add("-resource-dir", toolkit.resources)
    arguments.add(toolkit.root, format = "--rocm-path=%s")
    arguments.add(toolkit.device_libraries, format = "--rocm-device-lib-path=%s")
    arguments.add_all(zig_clang_flags(
        cc_toolchain,
        compiler_headers = toolkit.resources + "/include",
        # clang's own form of some headers of C++, which GPUs need.
        wrappers = [toolkit.resources + "/include/cuda_wrappers"],
    ))
    arguments.add("-isystem", toolkit.root + "/include")

    # The newer way of packing code for both leaves the work to a second program after each compile.
    arguments.add("--no-offload-new-driver")
    arguments.add_all(["-g0", "-fPIC", "-ffunction-sections", "-fdata-sections"])
    arguments.add_all(["-D__HIP_PLATFORM_AMD__", "-DNDEBUG"])
    arguments.add_all(ctx.attr.local_defines, format_each = "-D%s")
    arguments.add_all(context.defines, format_each = "-D%s")
    arguments.add_all(
        depset(transitive = [context.includes, context.quote_includes]),
        format_each = "-I%s",
    )
    arguments.add_all(context.system_includes, before_each = "-isystem")
    arguments.add_all(ctx.attr.copts)
    return arguments

def _compile(ctx, cc_toolchain, context):
    """Compiles every source; returns the objects."""
    toolkit = ctx.attr._toolkit[HipToolkitInfo]
    headers = [file for file in ctx.files.srcs if "." + file.extension in _HEADERS]
    inputs = depset(headers, transitive = [context.headers, toolkit.files, cc_toolchain.all_files])
    common = _common_arguments(ctx, cc_toolchain, context)
    objects = []
    for source in ctx.files.srcs:
        if source in headers:
            continue
        name = source.basename.removesuffix("." + source.extension)
        output = ctx.actions.declare_file("_objs/{}/{}.pic.o".format(ctx.label.name, name))
        own = ctx.actions.args()

        # Unique in the library, and the same everywhere; clang's own choice depends on absolute
        # paths.
        own.add(name.replace("-", "_"), format = "-cuid=%s")
        own.add("-c", source)
        own.add("-o", output)
        ctx.actions.run(
            arguments = [common, own],
            executable = toolkit.clang,
            inputs = depset([source], transitive = [inputs]),
            mnemonic = "HipCompile",
            outputs = [output],
            progress_message = "Compiling {} for ROCm".format(source.short_path),
        )
        objects.append(output)
    return objects

def _hip_library_impl(ctx):
    cc_toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = cc_toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    dependencies = [target[CcInfo] for target in ctx.attr.deps]
    context = cc_common.merge_cc_infos(cc_infos = dependencies).compilation_context
    objects = _compile(ctx, cc_toolchain, context)
    linking_context, linking_outputs = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        alwayslink = ctx.attr.alwayslink,
        cc_toolchain = cc_toolchain,
        compilation_outputs = cc_common.create_compilation_outputs(pic_objects = depset(objects)),
        disallow_dynamic_library = True,
        feature_configuration = features,
        linking_contexts = [dependency.linking_context for dependency in dependencies],
        name = ctx.label.name,
    )
    return [
        DefaultInfo(files = depset([linking_outputs.library_to_link.pic_static_library])),
        OutputGroupInfo(pic_objects = objects),
        CcInfo(linking_context = linking_context),
    ]

hip_library = rule(
    implementation = _hip_library_impl,
    attrs = {
        "alwayslink": attr.bool(
            doc = "Whether all objects are linked, needed or not.",
        ),
        "copts": attr.string_list(
            doc = "Options for clang.",
        ),
        "deps": attr.label_list(
            doc = "C++ libraries.",
            providers = [CcInfo],
        ),
        "local_defines": attr.string_list(
            doc = "Macros for this target alone.",
        ),
        "srcs": attr.label_list(
            allow_files = _SOURCES + _HEADERS,
            doc = "Sources and private headers.",
            mandatory = True,
        ),
        "_archs": attr.label(
            default = Label("//bazel/toolchains/hip:archs"),
        ),
        "_cc_toolchain": attr.label(
            default = Label("@bazel_tools//tools/cpp:current_cc_toolchain"),
        ),
        "_toolkit": attr.label(
            default = Label("//bazel/toolchains/hip:toolkit"),
            providers = [HipToolkitInfo],
        ),
    },
    doc = "Compiles HIP sources into a static library for cc_* rules. Architectures are those of " +
          "//bazel/toolchains/hip:archs.",
    fragments = ["cpp"],
    provides = [CcInfo],
    toolchains = use_cpp_toolchain(),
)
