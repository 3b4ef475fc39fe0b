"""The variants of a wheel (PEP 825): which backend's wheel becomes which variant, and what the variant asks of a machine.

PEP 825 (the format) is provisional and PEP 850 (the providers) a draft: the schema's address changes until both are
final, so it is here and nowhere else. It is the one of PEP 850, because uv 0.13.9 takes no variant but `null` where the
document names no provider, and the schema of PEP 825 alone forbids the key `providers`.
"""

load("//bazel/toolchains/hip:defs.bzl", "HIP_RELEASE_ARCHS")

_SCHEMA = "https://variants-schema.wheelnext.dev/peps/850/v0.2.0.json"

# Namespace -> where an installer learns what a machine has. In order of preference: a variant of the first namespace wins
# where the machine can run several. Every wheel of a release has to carry the same list, so a backend that no wheel is
# made for yet has its place too.
_PROVIDERS = {
    # Built into uv, which compares these two strings and runs no plug-in.
    "nvidia": {
        "plugin-api": "nvidia_variant_provider.plugin:NvidiaVariantPlugin",
        "requires": ["nvidia-variant-provider>=0.0.1"],
    },
    # Not known to uv, which passes such a variant over; variantlib runs the plug-in.
    "amd": {
        "plugin-api": "rocm_bootstrap.variant_provider:AMDVariantPlugin",
        "requires": ["rocm-bootstrap>=0.3"],
    },
    # Nobody detects Vulkan. A static provider says that every machine has it; one that has not runs on the CPU.
    "ggml": {
        "static-properties": {"backend": ["vulkan"]},
    },
}

def _variant(label, properties, is_plain = False):
    return {
        "is_plain": is_plain,
        "label": label,
        # The format wants values sorted.
        "properties": {
            namespace: {feature: sorted(values) for feature, values in features.items()}
            for namespace, features in properties.items()
        },
    }

# Accelerator's local version label -> its variant. `is_plain` is the wheel that becomes the one without a variant too,
# which is what every installer takes that knows no variants.
_VARIANTS = {
    "cpu": _variant("null", {}, is_plain = True),
    # Machine code, which a release has for every GPU it names, runs on each driver of its major version (CUDA Compatibility,
    # `Minor Version Compatibility`). PTX, for other GPUs, wants a driver of the toolkit's version.
    "cu12": _variant("cu12", {"nvidia": {"cuda_version_lower_bound": ["12.4"]}}),
    "cu13": _variant("cu13", {"nvidia": {"cuda_version_lower_bound": ["13.0"]}}),
    # One of them is enough; the list is what the kernels are compiled for.
    "rocm6": _variant("rocm6", {"amd": {"gfx_arch": HIP_RELEASE_ARCHS}}),
    "vulkan": _variant("vulkan", {"ggml": {"backend": ["vulkan"]}}),
}

# What make_variant.py reads, as JSON. (`namespaces` because JSON objects have no order.)
VARIANT_TABLE = {
    "namespaces": _PROVIDERS.keys(),
    "providers": _PROVIDERS,
    "schema": _SCHEMA,
    "variants": _VARIANTS,
}
