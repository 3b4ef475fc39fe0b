"""An accelerator's additions to the CPU wheel, from its row of //platforms:accelerators.bzl."""

load("//platforms:accelerators.bzl", "ACCELERATORS")
load(":metadata.bzl", "PLUGIN_DISTRIBUTION")

# Accelerators whose backend is a library of its own -> distribution of the plug-in with it.
PLUGINS = {
    accelerator: PLUGIN_DISTRIBUTION.format(plugin = row["plugin"])
    for accelerator, row in ACCELERATORS.items()
    if "plugin" in row
}

# Extras of llama-cpp-python, as `extra_requires` of py_abi_wheel.
PLUGIN_EXTRAS = {
    ACCELERATORS[accelerator]["plugin"]: [distribution + "=={version}"]
    for accelerator, distribution in PLUGINS.items()
}

_RUN_TIME_FIELDS = [
    "driver_file",
    "driver_hint",
    "driver_library",
    "driver_missing",
    "ggml_name",
    "plugin",
    "visible_devices",
    "windows_library",
]

# Constants of `_build_info.py`, for errors and warnings of llama_cpp: some fields of the rows, and
# the way to a missing library by the beginning of its name.
RUN_TIME_FACTS = {
    "ACCELERATORS": {
        name: {field: row[field] for field in _RUN_TIME_FIELDS if field in row}
        for name, row in ACCELERATORS.items()
        if "plugin" in row and "major_of" not in row
    },
    "GET_LIBRARY": {
        start: text
        for row in ACCELERATORS.values()
        for start, text in row.get("get_library", {}).items()
    },
}

def run_time_name(accelerator):
    """Returns the name by which the package knows an accelerator at run time.

    Args:
      accelerator: one of ACCELERATORS.
    """
    return ACCELERATORS[accelerator].get("major_of", accelerator)

def backend(accelerator):
    """Returns the inputs of wheels with an accelerator's library.

    Args:
      accelerator: one of ACCELERATORS.

    Returns:
      struct(components, is_slow, libraries, licenses, requires) with values of its row. Labels are
      absolute, and `libraries` is a list of one, or empty.
    """
    row = ACCELERATORS[accelerator]
    return struct(
        components = [Label(component) for component in row.get("components", [])],
        is_slow = row.get("is_slow", False),
        libraries = [Label(row["library"])] if "library" in row else [],
        licenses = row.get("license_expressions", []),
        requires = row.get("requires", []),
    )
