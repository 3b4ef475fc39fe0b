"""The variant wheels (PEP 825) of this project."""

load("//bazel/wheel:defs.bzl", "variant_table")
load(
    "//platforms:accelerators.bzl",
    "ACCELERATORS",
    "DEFAULT_ACCELERATOR",
    "VARIANT_PROVIDERS",
    "labels",
)

_PROPERTIES = {label: row["variant"] for label, row in labels().items() if "variant" in row}

def _provider(namespace):
    """Returns a provider as variant.json has it, with its properties if it has no plug-in."""
    if VARIANT_PROVIDERS[namespace]:
        return VARIANT_PROVIDERS[namespace]
    static = {}
    for namespaces in _PROPERTIES.values():
        for feature, values in namespaces.get(namespace, {}).items():
            known = static.get(feature, [])
            static[feature] = sorted(known + [value for value in values if value not in known])
    return {"static-properties": static}

def llama_cpp_variants(name, **kwargs):
    """Declares the table of variants.

    Args:
      name: name of the target.
      **kwargs: common attributes.
    """
    variant_table(
        name = name,
        plain = ACCELERATORS[DEFAULT_ACCELERATOR]["label"],
        properties = _PROPERTIES,
        providers = {namespace: _provider(namespace) for namespace in VARIANT_PROVIDERS},
        **kwargs
    )
