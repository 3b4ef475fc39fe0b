"""The numbers of variants that upstream builds, so that a lost row is noticed."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//third_party/llama.cpp:cpu_variants.bzl", "CPU_VARIANTS")

def _variant_table_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, 14, len(CPU_VARIANTS["x86_64"].variants))
    asserts.equals(env, 8, len(CPU_VARIANTS["aarch64"].variants))
    asserts.equals(env, 3, len(CPU_VARIANTS["macos_aarch64"].variants))
    for table in CPU_VARIANTS.values():
        # Two variants with the same features would have the same score, and which one runs would be chance.
        features = [tuple(sorted(spec.defines)) for spec in table.variants.values()]
        asserts.equals(env, len(features), len({key: None for key in features}))
    return unittest.end(env)

variant_table_test = unittest.make(_variant_table_test_impl)
