"""How the zig C++ toolchain links for macOS.

zig's own linker for Mach-O knows neither version scripts nor lists of exported symbols: it hides
only symbols that were compiled with hidden visibility. Archives that Bazel makes of objects are
taken apart again, so that all their objects are linked.
"""

load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "feature", "flag_group", "flag_set")
load(":link_features.bzl", "LINK", "flags_of", "library_group", "link_features")

_LIBRARIES_TO_LINK = flag_set(
    actions = LINK,
    flag_groups = [
        flag_group(
            expand_if_available = "libraries_to_link",
            flag_groups = [
                library_group("dynamic_library", ["-l%{libraries_to_link.name}"]),
                library_group("interface_library", ["%{libraries_to_link.name}"]),
                library_group("object_file", ["%{libraries_to_link.name}"]),
                library_group("static_library", ["%{libraries_to_link.name}"]),
                library_group(
                    "object_file_group",
                    ["%{libraries_to_link.object_files}"],
                    iterate_over = "libraries_to_link.object_files",
                ),
            ],
            iterate_over = "libraries_to_link",
        ),
    ],
)

_DEFAULTS = feature(
    name = "linker_defaults",
    enabled = True,
    flag_sets = [flags_of(LINK, ["-Wl,-dead_strip", "-Wl,-headerpad_max_install_names"])],
)

def macho_link_features():
    """Features of the actions that link for macOS."""
    return link_features(
        defaults = [_DEFAULTS],
        libraries = _LIBRARIES_TO_LINK,
        own_folder = "@loader_path",
        shared_flag = "-dynamiclib",
    )
