"""How the zig C++ toolchain links for Windows: lld-link in MinGW mode (zig-ld-windows.sh).

A DLL exports the symbols that were compiled with default visibility, unless the link names a
module-definition file. Windows has no run paths: a program finds a DLL beside itself.
"""

load(
    "@rules_cc//cc:cc_toolchain_config_lib.bzl",
    "flag_group",
    "flag_set",
    "variable_with_value",
)
load(":link_features.bzl", "LINK", "library_group", "link_features")

_LIBRARIES_TO_LINK = flag_set(
    actions = LINK,
    flag_groups = [
        flag_group(
            expand_if_available = "libraries_to_link",
            flag_groups = [
                library_group("object_file_group", ["-start-lib"]),
                library_group(
                    "object_file_group",
                    ["%{libraries_to_link.object_files}"],
                    iterate_over = "libraries_to_link.object_files",
                ),
                library_group("object_file_group", ["-end-lib"]),
                library_group("object_file", ["%{libraries_to_link.name}"]),
                library_group("interface_library", ["%{libraries_to_link.name}"]),
                flag_group(
                    expand_if_equal = variable_with_value(
                        name = "libraries_to_link.type",
                        value = "static_library",
                    ),
                    flag_groups = [
                        flag_group(
                            expand_if_true = "libraries_to_link.is_whole_archive",
                            flags = ["-wholearchive:%{libraries_to_link.name}"],
                        ),
                        flag_group(
                            expand_if_false = "libraries_to_link.is_whole_archive",
                            flags = ["%{libraries_to_link.name}"],
                        ),
                    ],
                ),
                library_group("dynamic_library", ["-l%{libraries_to_link.name}"]),
                library_group("versioned_dynamic_library", ["-l:%{libraries_to_link.name}"]),
            ],
            iterate_over = "libraries_to_link",
        ),
    ],
)

def coff_link_features():
    """Features of the actions that link for Windows."""
    return link_features(
        defaults = [],
        libraries = _LIBRARIES_TO_LINK,
        own_folder = None,
        shared_flag = "-shared",
    )
