"""Extras and plug-ins go together; metadata.bzl has literals only, so it says some things twice."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//llama_cpp:metadata.bzl", "METADATA", "PLUGINS")
load("//platforms:accelerators.bzl", "ACCELERATORS", "DEFAULT_ACCELERATOR")

def _plugins_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, sorted(ACCELERATORS), sorted(PLUGINS.keys() + [DEFAULT_ACCELERATOR]))
    for accelerator, plugin in PLUGINS.items():
        # llama_cpp/_backends.py finds the extra of a backend by this.
        asserts.true(env, plugin.startswith(accelerator))
        asserts.equals(
            env,
            ["llama-cpp-backend-" + plugin + "=={version}"],
            METADATA["extra_requires"].get(plugin),
        )
    return unittest.end(env)

plugins_test = unittest.make(_plugins_test_impl)
