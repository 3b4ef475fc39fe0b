"""How the zig C++ toolchain links for macOS.

zig's own linker for Mach-O knows neither version scripts nor lists of exported symbols: what is hidden is what was compiled with
hidden visibility. Archives that Bazel makes of objects are taken apart again, so that all their objects are linked.
"""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "feature", "flag_group", "flag_set", "variable_with_value", "with_feature_set")

_LINK_SHARED = [
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]
_LINK = _LINK_SHARED + [ACTION_NAMES.cpp_link_executable]

def _feature(name, actions, flags, **kwargs):
    """An enabled feature of one group of flags."""
    return feature(
        name = name,
        enabled = True,
        flag_sets = [flag_set(actions = actions, flag_groups = [flag_group(flags = flags, **kwargs)])],
    )

def _libraries():
    """Flags for each entry in Bazel's `libraries_to_link`."""
    flags = {
        "dynamic_library": ["-l%{libraries_to_link.name}"],
        "interface_library": ["%{libraries_to_link.name}"],
        "object_file": ["%{libraries_to_link.name}"],
        "static_library": ["%{libraries_to_link.name}"],
    }
    groups = [
        flag_group(
            expand_if_equal = variable_with_value(name = "libraries_to_link.type", value = kind),
            flags = words,
        )
        for kind, words in flags.items()
    ] + [
        flag_group(
            expand_if_equal = variable_with_value(name = "libraries_to_link.type", value = "object_file_group"),
            flags = ["%{libraries_to_link.object_files}"],
            iterate_over = "libraries_to_link.object_files",
        ),
    ]
    return feature(
        name = "libraries_to_link",
        enabled = True,
        flag_sets = [
            flag_set(
                actions = _LINK,
                flag_groups = [
                    flag_group(
                        expand_if_available = "libraries_to_link",
                        flag_groups = groups,
                        iterate_over = "libraries_to_link",
                    ),
                ],
            ),
        ],
    )

def _run_paths():
    """Run paths into Bazel's output tree, but for libraries that are shipped."""
    return [
        feature(name = "payload_runpath"),
        feature(
            name = "runtime_library_search_directories",
            enabled = True,
            flag_sets = [
                flag_set(
                    actions = _LINK,
                    flag_groups = [
                        flag_group(
                            expand_if_available = "runtime_library_search_directories",
                            flags = ["-Wl,-rpath,@loader_path/%{runtime_library_search_directories}"],
                            iterate_over = "runtime_library_search_directories",
                        ),
                    ],
                    with_features = [with_feature_set(not_features = ["payload_runpath"])],
                ),
            ],
        ),
    ]

def macho_link_features():
    """Features of the actions that link for macOS."""
    return [
        _feature("shared_flag", _LINK_SHARED, ["-dynamiclib"]),
        _feature("linker_defaults", _LINK, ["-Wl,-dead_strip", "-Wl,-headerpad_max_install_names"]),
        _feature("output_execpath_flags", _LINK, ["-o", "%{output_execpath}"], expand_if_available = "output_execpath"),
        _feature(
            "library_search_directories",
            _LINK,
            ["-L%{library_search_directories}"],
            expand_if_available = "library_search_directories",
            iterate_over = "library_search_directories",
        ),
    ] + _run_paths() + [
        _libraries(),
        _feature(
            "user_link_flags",
            _LINK,
            ["%{user_link_flags}"],
            expand_if_available = "user_link_flags",
            iterate_over = "user_link_flags",
        ),
        _feature(
            "linker_param_file",
            _LINK + [ACTION_NAMES.cpp_link_static_library],
            ["@%{linker_param_file}"],
            expand_if_available = "linker_param_file",
        ),
    ]
