"""No two CPU variants of a machine are equal; upstream_variants_test.py compares with upstream."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//third_party/llama.cpp:cpu_variants.bzl", "CPU_VARIANTS")

def _variant_table_test_impl(ctx):
    env = unittest.begin(ctx)
    for table in CPU_VARIANTS.values():
        # Two variants with the same features would have the same score, and which one runs would be
        # chance.
        features = [tuple(sorted(spec.defines)) for spec in table.variants.values()]
        asserts.equals(env, len(features), len({key: None for key in features}))
    return unittest.end(env)

variant_table_test = unittest.make(_variant_table_test_impl)
