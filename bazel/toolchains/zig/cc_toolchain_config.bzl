"""Flags of the zig C++ toolchain, feature by feature.

`no_legacy_features` keeps Bazel's own gcc-style flags out, so that this file is the whole truth
about a command line. Compiles go to zig's clang (zig-cc.sh), links to ld.lld with a prebuilt
runtime (zig-ld.sh, runtime.bzl), those for macOS to zig's own linker (macho_link.bzl), those for
Windows to lld-link (coff_link.bzl).
"""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load(
    "@rules_cc//cc:cc_toolchain_config_lib.bzl",
    "action_config",
    "artifact_name_pattern",
    "env_entry",
    "env_set",
    "feature",
    "flag_group",
    "flag_set",
    "tool",
    "variable_with_value",
    "with_feature_set",
)
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")
load(":coff_link.bzl", "coff_link_features")
load(":link_features.bzl", "LINK", "flags_of", "library_group", "link_features")
load(":macho_link.bzl", "macho_link_features")

_C_COMPILE = [
    ACTION_NAMES.c_compile,
    ACTION_NAMES.assemble,
    ACTION_NAMES.preprocess_assemble,
]
_CPP_COMPILE = [
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
]
_COMPILE = _C_COMPILE + _CPP_COMPILE

def _compile_features(target, is_windows, sanitizer_flags):
    return [
        feature(
            name = "compiler_defaults",
            enabled = True,
            flag_sets = [
                flags_of(_COMPILE, [
                    "-target",
                    target,
                    # Debug information carries absolute paths; zig emits it unless told otherwise.
                    "-g0",
                    "-Wno-builtin-macro-redefined",
                    "-D__DATE__=\"redacted\"",
                    "-D__TIME__=\"redacted\"",
                    "-D__TIMESTAMP__=\"redacted\"",
                    # zig turns on the undefined behaviour sanitizer in unoptimised builds; its
                    # runtime is not shipped.
                    "-fno-sanitize=undefined",
                    "-ffunction-sections",
                    "-fdata-sections",
                ] + sanitizer_flags),
            ],
        ),
        feature(
            name = "opt",
            flag_sets = [flags_of(_COMPILE, ["-O3", "-DNDEBUG"])],
        ),
        feature(
            name = "fastbuild",
            flag_sets = [flags_of(_COMPILE, ["-O1"])],
        ),
        feature(
            name = "dbg",
            flag_sets = [
                flags_of(_COMPILE, ["-O0", "-g", "-ffile-prefix-map=external/=external/"]),
            ],
        ),
        feature(name = "supports_pic", enabled = True),
        feature(
            name = "pic",
            enabled = True,
            # Code for Windows is always relocatable, and clang refuses the flag.
            flag_sets = [] if is_windows else [
                flags_of(_COMPILE, ["-fPIC"], expand_if_available = "pic"),
            ],
        ),
        feature(
            name = "preprocessor_defines",
            enabled = True,
            flag_sets = [flags_of(
                _COMPILE,
                ["-D%{preprocessor_defines}"],
                iterate_over = "preprocessor_defines",
            )],
        ),
        feature(
            name = "include_paths",
            enabled = True,
            flag_sets = [
                flags_of(
                    _COMPILE,
                    ["-iquote", "%{quote_include_paths}"],
                    iterate_over = "quote_include_paths",
                ),
                flags_of(_COMPILE, ["-I%{include_paths}"], iterate_over = "include_paths"),
                flags_of(
                    _COMPILE,
                    ["-isystem", "%{system_include_paths}"],
                    iterate_over = "system_include_paths",
                ),
            ],
        ),
        feature(
            name = "dependency_file",
            enabled = True,
            flag_sets = [
                flags_of(
                    _COMPILE,
                    ["-MD", "-MF", "%{dependency_file}"],
                    expand_if_available = "dependency_file",
                ),
            ],
        ),
        feature(
            name = "user_compile_flags",
            enabled = True,
            flag_sets = [
                flags_of(
                    _COMPILE,
                    ["%{user_compile_flags}"],
                    expand_if_available = "user_compile_flags",
                    iterate_over = "user_compile_flags",
                ),
            ],
        ),
        feature(
            name = "compiler_input_flags",
            enabled = True,
            flag_sets = [
                flags_of(_COMPILE, ["-c", "%{source_file}"], expand_if_available = "source_file"),
            ],
        ),
        feature(
            name = "compiler_output_flags",
            enabled = True,
            flag_sets = [
                flags_of(_COMPILE, ["-o", "%{output_file}"], expand_if_available = "output_file"),
            ],
        ),
    ]

def _whole_archive(flag, **condition):
    return flag_group(
        expand_if_true = "libraries_to_link.is_whole_archive",
        flag_groups = [
            flag_group(
                expand_if_equal = variable_with_value(
                    name = "libraries_to_link.type",
                    value = "static_library",
                ),
                flags = [flag],
            ),
        ],
        **condition
    )

_LIBRARIES_TO_LINK = flag_set(
    actions = LINK,
    flag_groups = [
        flag_group(
            expand_if_available = "libraries_to_link",
            flag_groups = [
                library_group("object_file_group", ["-Wl,--start-lib"]),
                _whole_archive("-Wl,--whole-archive"),
                library_group(
                    "object_file_group",
                    ["%{libraries_to_link.object_files}"],
                    iterate_over = "libraries_to_link.object_files",
                ),
                library_group("object_file", ["%{libraries_to_link.name}"]),
                library_group("interface_library", ["%{libraries_to_link.name}"]),
                library_group("static_library", ["%{libraries_to_link.name}"]),
                library_group("dynamic_library", ["-l%{libraries_to_link.name}"]),
                library_group("versioned_dynamic_library", ["-l:%{libraries_to_link.name}"]),
                _whole_archive("-Wl,--no-whole-archive"),
                library_group("object_file_group", ["-Wl,--end-lib"]),
            ],
            iterate_over = "libraries_to_link",
        ),
    ],
)

# Asked for by programs whose reports should name functions and lines.
_KEEP_SYMBOLS = feature(name = "keep_symbols")

_STRIP_LINKED = feature(
    name = "linker_defaults",
    enabled = True,
    flag_sets = [
        flag_set(
            actions = LINK,
            flag_groups = [flag_group(flags = ["-s"])],
            with_features = [with_feature_set(not_features = ["keep_symbols"])],
        ),
    ],
)

def _elf_link_features(sanitizer_runtime):
    """Features of the actions that link for Linux."""
    return link_features(
        # Without symbols a report names no function.
        defaults = [_KEEP_SYMBOLS] + ([] if sanitizer_runtime else [_STRIP_LINKED]),
        last = [file.path for file in sanitizer_runtime],
        libraries = _LIBRARIES_TO_LINK,
        own_folder = "$ORIGIN",
        shared_flag = "-shared",
    )

def _archive_feature():
    return feature(
        name = "archiver_flags",
        enabled = True,
        flag_sets = [
            flag_set(
                actions = [ACTION_NAMES.cpp_link_static_library],
                flag_groups = [
                    flag_group(
                        flags = ["rcsD", "%{output_execpath}"],
                        expand_if_available = "output_execpath",
                    ),
                    flag_group(
                        expand_if_available = "libraries_to_link",
                        flag_groups = [
                            library_group("object_file", ["%{libraries_to_link.name}"]),
                            library_group(
                                "object_file_group",
                                ["%{libraries_to_link.object_files}"],
                                iterate_over = "libraries_to_link.object_files",
                            ),
                        ],
                        iterate_over = "libraries_to_link",
                    ),
                ],
            ),
        ],
    )

def _strip_feature():
    return feature(
        name = "strip_flags",
        enabled = True,
        flag_sets = [flags_of([ACTION_NAMES.strip], ["%{input_file}", "%{output_file}"])],
    )

def _is_macos(ctx):
    return "-macos." in ctx.attr.target

def _is_windows(ctx):
    return "-windows-" in ctx.attr.target

def _link_features(ctx, sanitizer_runtime):
    if _is_macos(ctx):
        return macho_link_features()
    return coff_link_features() if _is_windows(ctx) else _elf_link_features(sanitizer_runtime)

def _libc(ctx):
    if _is_macos(ctx):
        return "macosx"
    return "ucrt" if _is_windows(ctx) else ctx.attr.target.rpartition("-")[2]

# Bazel's own names are those of Linux.
_WINDOWS_NAMES = [
    artifact_name_pattern(
        category_name = "executable",
        prefix = "",
        extension = ".exe",
    ),
    artifact_name_pattern(
        category_name = "dynamic_library",
        prefix = "",
        extension = ".dll",
    ),
]

def _entries_of_linker(ctx):
    if _is_macos(ctx):
        return [env_entry(key = "ZIG_TARGET", value = ctx.attr.target)]
    if _is_windows(ctx):
        return []
    return [env_entry(key = "ZIG_DYNAMIC_LINKER", value = ctx.attr.dynamic_linker)]

def _environment_feature(ctx):
    zig = ctx.file.zig
    return feature(
        name = "zig_environment",
        enabled = True,
        env_sets = [
            env_set(
                actions = _COMPILE + LINK + [
                    ACTION_NAMES.cpp_link_static_library,
                    ACTION_NAMES.strip,
                ],
                env_entries = [
                    env_entry(key = "ZIG", value = zig.path),
                    # Relative to the execution root: otherwise zig follows the sandbox's symbolic
                    # link to its real path and Bazel sees every system header as undeclared.
                    env_entry(key = "ZIG_LIB_DIR", value = zig.dirname + "/lib"),
                ],
            ),
            env_set(
                actions = LINK,
                env_entries = _entries_of_linker(ctx) + [
                    env_entry(key = "ZIG_RUNTIME", value = ctx.files.runtime[0].dirname),
                ],
            ),
        ],
    )

def _action_configs(ctx):
    compiler = tool(path = ctx.attr.compiler_script)
    linker = tool(path = ctx.attr.linker_script)
    archiver = tool(path = "zig-ar.sh")
    stripper = tool(path = "zig-strip.sh")
    return (
        [action_config(action_name = name, tools = [compiler]) for name in _COMPILE] +
        [action_config(action_name = name, tools = [linker]) for name in LINK] +
        [
            action_config(action_name = ACTION_NAMES.cpp_link_static_library, tools = [archiver]),
            action_config(action_name = ACTION_NAMES.strip, tools = [stripper]),
        ]
    )

def _sanitizer_flags(ctx):
    flags = list(ctx.attr.sanitizer_copts)
    for header in ctx.files.sanitizer_include:
        flags += ["-include", header.path]
    return flags

def _zig_cc_toolchain_config_impl(ctx):
    sanitizer_runtime = ctx.files.sanitizer_runtime
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        action_configs = _action_configs(ctx),
        artifact_name_patterns = _WINDOWS_NAMES if _is_windows(ctx) else [],
        compiler = "clang",
        cxx_builtin_include_directories = [ctx.file.zig.dirname + "/lib"],
        features = [
            feature(name = "no_legacy_features"),
            feature(name = "supports_start_end_lib", enabled = True),
            feature(name = "supports_dynamic_linker", enabled = True),
            _archive_feature(),
            _environment_feature(ctx),
            _strip_feature(),
        ] + _compile_features(
            ctx.attr.target,
            _is_windows(ctx),
            _sanitizer_flags(ctx),
        ) + _link_features(ctx, sanitizer_runtime),
        target_cpu = ctx.attr.cpu,
        target_libc = _libc(ctx),
        target_system_name = ctx.attr.target,
        toolchain_identifier = "zig-" + ctx.attr.target,
    )

zig_cc_toolchain_config = rule(
    implementation = _zig_cc_toolchain_config_impl,
    attrs = {
        "compiler_script": attr.string(
            doc = "File name of the script that compiles, in the directory of the toolchain.",
            mandatory = True,
        ),
        "cpu": attr.string(
            doc = "CPU name as the legacy `--cpu` flag writes it.",
            mandatory = True,
        ),
        "dynamic_linker": attr.string(
            doc = "Program interpreter written into executables for Linux.",
        ),
        "linker_script": attr.string(
            doc = "File name of the script that links, in the directory of the toolchain.",
            mandatory = True,
        ),
        "runtime": attr.label(
            # The configuration in which cc_toolchain takes its linker_files, so that the paths
            # agree.
            cfg = "exec",
            doc = "The `zig_runtime` of the same target.",
            mandatory = True,
        ),
        "sanitizer_copts": attr.string_list(
            doc = "Compiler options of the sanitizer, for all code.",
        ),
        "sanitizer_include": attr.label_list(
            allow_files = True,
            cfg = "exec",
            doc = "Header that the sanitizer needs in front of each file.",
        ),
        "sanitizer_runtime": attr.label_list(
            allow_files = True,
            cfg = "exec",
            doc = "Library of the sanitizer, for all links.",
        ),
        "target": attr.string(
            doc = "zig target triple with the glibc or macOS version.",
            mandatory = True,
        ),
        "zig": attr.label(
            allow_single_file = True,
            cfg = "exec",
            doc = "The zig executable.",
            mandatory = True,
        ),
    },
    doc = "C++ toolchain configuration for zig's clang and lld.",
    provides = [CcToolchainConfigInfo],
)
