"""SLOW_TESTS: the tests that `./bazelw test //...` leaves out, and that `//tests:slow` runs.

An edit of one Python file runs every test of the package again. Those here take more than five
seconds on two cores, so without them that is less than three minutes. A subject that is here has
quicker tests in `//...` too, or is one of several machines or packages.
"""

load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")

# Names of tests by their package.
_SLOW = {
    "tests/accelerators": [
        "gpu_layers_test",
        "install_test",
        "load_test",
        "new_backend_test",
        "placement_test",
        "plugin_test",
    ],
    "tests/accelerators/metal": ["command_lines_test"],
    "tests/accelerators/vulkan": [
        "installed_test",
        "plugin_test",
    ],
    "tests/build/bazel_next": ["analysis_test"],
    "tests/build/pep517": [
        "build_test",
        "caches_test",
        "editable_test",
        "install_test",
        "sdist_test",
        "settings_test",
    ],
    "tests/caches": [
        "toolkit_test",
        "wheel_test",
    ],
    "tests/native/numerics": [
        "families_test",
        "logits_test",
        "products_test",
        "variants_test",
    ],
    "tests/package": [
        "cli_test",
        "cpu_variant_test",
        "embedding_state_test",
        "functionary_test",
        "hostile_input_test",
        "hostile_template_test",
        "interrupt_test",
        "logging_test",
        "logits_memory_test",
        "options_test",
        "path_test",
        "quantize_test",
    ],
    "tests/package/abis": ["abi_test_" + abi for abi in PYTHON_ABIS],
    "tests/package/architectures": [
        "architectures_test",
        "checkpoint_chats_test",
        "checkpoints_engine_test",
        "checkpoints_test",
    ],
    "tests/package/consumers": [
        "downstream_test",
        "monorepo_test",
    ],
    "tests/package/downstream": [
        "guidance_test",
        "instructor_test",
        "langchain_test",
        "litellm_test",
        "llama_cpp_agent_test",
        "llama_cpp_haystack_test",
        "llama_index_test",
        "llguidance_test",
        "llm_gguf_test",
        "lm_format_enforcer_test",
        "outetts_test",
        "outlines_test",
        "pixeltable_test",
        "schemathesis_test",
        "server_soak_test",
        "server_test",
    ],
    "tests/package/foreign": ["foreign_libraries_test"],
    "tests/package/freezers": ["pyinstaller_test"],
    "tests/package/hostile": [
        "gguf_test",
        "other_files_test",
        "state_test",
    ],
    "tests/package/install": ["install_test"],
    "tests/package/media": [
        "data_url_test",
        "download_test",
    ],
    "tests/package/multimodal": [
        "cli_test",
        "hostile_media_test",
        "session_test",
        "upstream_test",
    ],
    "tests/package/rpc": [
        "addresses_test",
        "lost_server_test",
        "rpc_server_test",
    ],
    "tests/package/serving": ["shared_prompts_test"],
    "tests/package/speculation": [
        "generation_test",
        "prompts_test",
    ],
    "tests/package/threads": [
        "process_test",
        "signals_test",
        "waiting_test",
    ],
    "tests/package/tokenizers": ["tokenizers_test"],
    "tests/release/index": [
        "damage_test",
        "pip_test",
    ],
    "tests/upstream/bump": [
        "overlay_test",
        "program_test",
        "rewrite_test",
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
