"""Features of the actions that link, as far as ELF, Mach-O and PE share them."""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load(
    "@rules_cc//cc:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "variable_with_value",
    "with_feature_set",
)

_LINK_SHARED = [
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

LINK = _LINK_SHARED + [ACTION_NAMES.cpp_link_executable]

def flags_of(actions, flags, **kwargs):
    """Returns a flag set of one group; keyword arguments go to the group."""
    return flag_set(actions = actions, flag_groups = [flag_group(flags = flags, **kwargs)])

def library_group(kind, flags, **kwargs):
    """Returns flags for an entry kind of `libraries_to_link`; keyword arguments go to the group."""
    return flag_group(
        expand_if_equal = variable_with_value(name = "libraries_to_link.type", value = kind),
        flags = flags,
        **kwargs
    )

def _variable_feature(name, flags, variable, actions = LINK, **kwargs):
    """Returns a feature whose flags apply if Bazel sets a variable."""
    return feature(
        name = name,
        enabled = True,
        flag_sets = [flags_of(actions, flags, expand_if_available = variable, **kwargs)],
    )

def _run_paths(own_folder):
    return feature(
        name = "runtime_library_search_directories",
        enabled = True,
        flag_sets = [
            flag_set(
                actions = LINK,
                flag_groups = [
                    flag_group(
                        expand_if_available = "runtime_library_search_directories",
                        flags = [
                            "-Wl,-rpath,{}/".format(own_folder) +
                            "%{runtime_library_search_directories}",
                        ],
                        iterate_over = "runtime_library_search_directories",
                    ),
                ],
                with_features = [with_feature_set(not_features = ["payload_runpath"])],
            ),
        ],
    )

def link_features(shared_flag, defaults, libraries, own_folder, last = []):
    """Returns the features, in the order of the command line.

    Args:
      shared_flag: flag that asks for a shared library.
      defaults: features of every link.
      libraries: the flag set for Bazel's `libraries_to_link`.
      own_folder: how a run path names the directory of the file that has it; None where there are
        no run paths.
      last: paths of libraries that every link takes, after all others.

    Returns:
      A list of features.
    """
    return [
        feature(
            name = "shared_flag",
            enabled = True,
            flag_sets = [flags_of(_LINK_SHARED, [shared_flag])],
        ),
    ] + defaults + [
        _variable_feature("output_execpath_flags", ["-o", "%{output_execpath}"], "output_execpath"),
        _variable_feature(
            "library_search_directories",
            ["-L%{library_search_directories}"],
            "library_search_directories",
            iterate_over = "library_search_directories",
        ),
        # Asked for by libraries that are shipped: run paths into Bazel's output tree have no place
        # in them.
        feature(name = "payload_runpath"),
    ] + ([_run_paths(own_folder)] if own_folder else []) + [
        feature(
            name = "libraries_to_link",
            enabled = True,
            flag_sets = [libraries],
        ),
        feature(
            name = "last_libraries",
            enabled = True,
            flag_sets = [flags_of(LINK, last)] if last else [],
        ),
        _variable_feature(
            "user_link_flags",
            ["%{user_link_flags}"],
            "user_link_flags",
            iterate_over = "user_link_flags",
        ),
        _variable_feature(
            "linker_param_file",
            ["@%{linker_param_file}"],
            "linker_param_file",
            actions = LINK + [ACTION_NAMES.cpp_link_static_library],
        ),
    ]
