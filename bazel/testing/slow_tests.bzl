"""SLOW_TESTS: the tests that `./bazelw test //...` leaves out, and that `//tests:slow` runs.

An edit of one Python file runs every test of the package again. Those here take more than ten
seconds on two cores, so without them that is minutes. A subject that is here has quicker tests in
`//...` too.
"""

load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")

# Names of tests by their package.
_SLOW = {
    "tests/accelerators": [
        "gpu_layers_test",
        "install_test",
        "load_test",
        "new_backend_test",
    ],
    "tests/accelerators/metal": ["command_lines_test"],
    "tests/accelerators/vulkan": [
        "installed_test",
        "plugin_test",
    ],
    "tests/build/pep517": [
        "build_test",
        "caches_test",
        "install_test",
        "sdist_test",
        "settings_test",
    ],
    "tests/caches": [
        "toolkit_test",
        "wheel_test",
    ],
    "tests/native/numerics": [
        "logits_test",
        "variants_test",
    ],
    "tests/package": [
        "cpu_variant_test",
        "hostile_input_test",
        "hostile_template_test",
        "interrupt_test",
        "logits_memory_test",
    ],
    # Threads on an interpreter without the GIL stay: no other suite has them.
    "tests/package/abis": ["abi_test_" + abi for abi in PYTHON_ABIS if abi != "cp313t"],
    "tests/package/architectures": ["checkpoint_chats_test"],
    "tests/package/consumers": ["monorepo_test"],
    "tests/package/downstream": [
        "guidance_test",
        "langchain_test",
        "litellm_test",
        "llama_cpp_haystack_test",
        "llama_index_test",
        "outlines_test",
        "pixeltable_test",
        "schemathesis_test",
        "server_test",
        "server_soak_test",
    ],
    "tests/package/foreign": ["foreign_libraries_test"],
    "tests/package/freezers": ["pyinstaller_test"],
    "tests/package/multimodal": [
        "hostile_media_test",
        "session_test",
    ],
    "tests/package/rpc": [
        "lost_server_test",
        "rpc_server_test",
    ],
    "tests/package/speculation": [
        "generation_test",
        "prompts_test",
    ],
    "tests/package/threads": ["signals_test"],
    "tests/release/index": [
        "damage_test",
        "pip_test",
    ],
    "tests/upstream/bump": [
        "program_test",
        "source_test",
    ],
    "tests/wheel": ["wheel_test"],
    "tests/wheel/variants": [
        "installers_test",
        "llama_cpp_variants_test",
    ],
}

# Their labels.
SLOW_TESTS = [
    Label("//{}:{}".format(package, name))
    for package, names in _SLOW.items()
    for name in names
]

def slow_attributes(name, tags):
    """Returns the tags and the visibility of a test, by whether it is in the table.

    Args:
      name: name of the test, in the package whose BUILD file calls this.
      tags: its own tags.
    """
    if name not in _SLOW.get(native.package_name(), []):
        return {"tags": tags}
    return {"tags": tags + ["manual"], "visibility": ["//tests:__pkg__"]}
