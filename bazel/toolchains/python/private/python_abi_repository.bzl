"""`python_abi_repository`: the targets' name for an ABI, for every target machine."""

load(":find.bzl", "host_machine")

_BUILD = """\
load("@llama_cpp_python//bazel/toolchains/python/private:targets.bzl", "python_of_target")

python_of_target(
    name = {name},
    host = {host},
)

# In a repository of its own, because finding it can take much longer.
alias(
    name = "python",
    actual = "@{interpreter}//:python",
    visibility = ["//visibility:public"],
)
"""

def _python_abi_repository_impl(rctx):
    name = "python_" + rctx.attr.abi
    rctx.file("BUILD.bazel", _BUILD.format(
        host = repr(host_machine(rctx)),
        interpreter = name + "_interpreter",
        name = repr(name),
    ))

python_abi_repository = repository_rule(
    implementation = _python_abi_repository_impl,
    attrs = {
        "abi": attr.string(doc = "A key of PYTHON_ABIS.", mandatory = True),
    },
    configure = True,
    doc = "Aliases: `:headers`, `:abi` and `:available` of the target platform's machine, and " +
          "`:python` of this one.",
)
