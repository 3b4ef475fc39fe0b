"""The table of accelerators: rows are whole, names are there once, and rows say nothing unknown."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//packaging:backends.bzl", "PLUGINS", "PLUGIN_EXTRAS")
load(
    "//platforms:accelerators.bzl",
    "ACCELERATORS",
    "DEFAULT_ACCELERATOR",
    "VARIANT_PROVIDERS",
)

_SYSTEMS = ["linux", "macos", "windows"]
_OF_EVERY_ROW = ["label", "systems"]
_WITH_A_LIBRARY = ["ggml_name", "library", "needed_libraries", "plugin"]
_OPTIONAL = [
    "components",
    "driver_file",
    "driver_hint",
    "driver_library",
    "driver_missing",
    "get_library",
    "is_released",
    "is_slow",
    "license_expressions",
    "major_of",
    "requires",
    "variant",
    "visible_devices",
    "windows_library",
]

def _rows_test_impl(ctx):
    env = unittest.begin(ctx)
    for accelerator, row in ACCELERATORS.items():
        required = _OF_EVERY_ROW + (_WITH_A_LIBRARY if accelerator != DEFAULT_ACCELERATOR else [])
        asserts.equals(env, [], [field for field in required if not row.get(field)])
        known = _OF_EVERY_ROW + _WITH_A_LIBRARY + _OPTIONAL
        asserts.equals(env, [], [field for field in row if field not in known])
        asserts.equals(env, [], [name for name in row["systems"] if name not in _SYSTEMS])
    for row in ACCELERATORS.values():
        for namespace in row.get("variant", {}):
            asserts.true(env, namespace in VARIANT_PROVIDERS, namespace)
    return unittest.end(env)

_rows_test = unittest.make(_rows_test_impl)

def _names_test_impl(ctx):
    env = unittest.begin(ctx)
    for field in ["label", "ggml_name", "library", "plugin"]:
        values = [
            row[field]
            for row in ACCELERATORS.values()
            if field in row and (field in ["label", "plugin"] or "major_of" not in row)
        ]
        asserts.equals(env, len(values), len({value: None for value in values}), field)
    for row in ACCELERATORS.values():
        other = ACCELERATORS.get(row.get("major_of"), row)
        for field in ["ggml_name", "library", "systems"]:
            asserts.equals(env, other.get(field), row.get(field), field)
    return unittest.end(env)

_names_test = unittest.make(_names_test_impl)

def _plugins_test_impl(ctx):
    env = unittest.begin(ctx)

    # Published wheels require these names: a change is a break.
    for accelerator, distribution in {
        "cuda": "llama-cpp-backend-cuda13",
        "cuda12": "llama-cpp-backend-cuda12",
        "metal": "llama-cpp-backend-metal",
        "rocm": "llama-cpp-backend-rocm6",
        "vulkan": "llama-cpp-backend-vulkan",
    }.items():
        asserts.equals(env, distribution, PLUGINS[accelerator])
    asserts.equals(env, ["llama-cpp-backend-rocm6=={version}"], PLUGIN_EXTRAS["rocm6"])
    asserts.equals(env, len(PLUGINS), len(PLUGIN_EXTRAS))
    return unittest.end(env)

_plugins_test = unittest.make(_plugins_test_impl)

def accelerators_tests(name):
    """Declares the tests.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _rows_test, _names_test, _plugins_test)
