"""The policy of this project's wheels, for the checker."""

load("//bazel/wheel:defs.bzl", "wheel_policy")
load("//platforms:accelerators.bzl", "ACCELERATORS", "DEFAULT_ACCELERATOR", "labels")
load("//third_party/llama.cpp:native_library.bzl", "OWN_PREFIX")
load(":metadata.bzl", "METADATA")

def llama_cpp_policy(name, **kwargs):
    """Declares the policy.

    Args:
      name: name of the target.
      **kwargs: common attributes.
    """
    wheel_policy(
        name = name,
        accelerator_libraries = {
            label: row.get("needed_libraries", [])
            for label, row in labels().items()
        },
        default_accelerator = ACCELERATORS[DEFAULT_ACCELERATOR]["label"],
        own_library_prefix = "lib" + OWN_PREFIX,
        # GGML_BACKEND_DL_IMPL and GGML_BACKEND_DL_SCORE_IMPL of ggml-backend-impl.h.
        plugin_entry_points = [
            "ggml_backend_init",
            "ggml_backend_score",
        ],
        plugin_host = METADATA["distribution"],
        plugin_host_libraries = [
            "lib{}ggml-base.{}".format(OWN_PREFIX, suffix)
            for suffix in ["dylib", "so"]
        ] + [OWN_PREFIX + "ggml-base.dll"],
        taken_library_advice = "as in every package with llama.cpp, and a process loads only one " +
                               "of them; link it with native_library, which has names of its own",
        taken_library_prefixes = [
            "libggml",
            "libllama.",
            "libllama-",
            "libmtmd",
            "ggml-base.dll",
            "ggml.dll",
            "llama.dll",
            "mtmd.dll",
        ],
        **kwargs
    )
