"""Implementation of `variant_table`: which wheels become which variants (PEP 825).

PEP 825 (the format) is provisional and PEP 850 (the providers) a draft: the schema's address
changes until both are final, so it is here and nowhere else. It is the one of PEP 850, because uv
0.13.9 takes no variant but `null` where the document names no provider, and the schema of PEP 825
alone forbids the key `providers`.
"""

_SCHEMA = "https://variants-schema.wheelnext.dev/peps/850/v0.2.0.json"

VariantTableInfo = provider(
    doc = "A table of variants.",
    fields = {
        "file": "The table as JSON (File), as make_variant.py reads it.",
        "variants": "Accelerator's label -> struct(label, is_plain).",
    },
)

def _variant_table_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(file, ctx.attr.table)
    return [
        DefaultInfo(files = depset([file])),
        VariantTableInfo(
            file = file,
            variants = {
                label: struct(is_plain = variant["is_plain"], label = variant["label"])
                for label, variant in json.decode(ctx.attr.table)["variants"].items()
            },
        ),
    ]

_variant_table = rule(
    implementation = _variant_table_impl,
    attrs = {"table": attr.string(mandatory = True)},
    provides = [VariantTableInfo],
)

def variant_table(name, plain, properties, providers, **kwargs):
    """Declares a table of variants, for `wheel_variant`.

    Args:
      name: name of the target.
      plain: accelerator's label whose wheel is everybody's: it becomes the variant `null`, and the
        wheel without a variant, which installers take that know no variants.
      properties: accelerator's label, which is that of its variant too -> the variant's
        requirements on a machine: namespace -> feature -> values, of which one is enough.
      providers: namespace -> an installer's source of a machine's properties, as variant.json has
        it; in order of preference.
      **kwargs: common attributes.
    """
    _variant_table(
        name = name,
        table = json.encode_indent({
            # JSON objects have no order.
            "namespaces": providers.keys(),
            "providers": providers,
            "schema": _SCHEMA,
            "variants": {
                label: _variant(label, properties[label], label == plain)
                for label in sorted(properties)
            },
        }),
        **kwargs
    )

def _variant(label, properties, is_plain):
    return {
        "is_plain": is_plain,
        "label": "null" if is_plain else label,
        # The format wants values sorted.
        "properties": {
            namespace: {feature: sorted(values) for feature, values in features.items()}
            for namespace, features in properties.items()
        },
    }
