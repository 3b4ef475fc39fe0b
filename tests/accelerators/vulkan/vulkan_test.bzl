"""`vulkan_test`: the Vulkan suite against installed wheels, on Mesa's lavapipe, which needs no
GPU."""

load("//tests/accelerators/harness:installed_test.bzl", "installed_test")

def vulkan_test(name, site, types, **kwargs):
    """Runs installed_test.py of this directory, and the harness's tests without the loader.

    Args:
      name: name of the test.
      site: an `installed_wheels` target with pytest, llama_cpp and the Vulkan backend, in one wheel
        or in two.
      types: weights of the models, `f32` among them.
      **kwargs: passed on to installed_test.
    """
    installed_test(
        name = name,
        size = "large",
        srcs = [
            "installed_test.py",
            "vulkan_child.py",
        ],
        data = [
            "//tests/models:random",
            "@vulkan_lavapipe//:driver",
            "@vulkan_lavapipe//:libraries",
        ],
        env = {
            "LAVAPIPE": "$(rootpath @vulkan_lavapipe//:driver)",
            "LLAMA_TEST_MODELS_DIR": "$(rootpath //tests/models:random)",
            "VULKAN_TEST_TYPES": " ".join(types),
        },
        facts = "installed_facts.py",
        site = site,
        **kwargs
    )
