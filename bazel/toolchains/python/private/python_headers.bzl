"""`python_headers_repository`: the C headers and the facts of one ABI."""

load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS", "ext_suffix")
load(":copy_headers.bzl", "copy_headers")
load(":find.bzl", "FINDER_ATTRS", "FINDER_ENVIRONMENT", "find_python", "host_cpu")

_BUILD = """\
load("@llama_cpp_python//bazel/toolchains/python/private:targets.bzl", "python_headers")

python_headers(
    name = "headers",
    abi_tag = {abi_tag},
    cpu = {cpu},
    ext_suffix = {ext_suffix},
    gil_headers = {gil_headers},
    missing = {missing},
    python_version = {python_version},
)

# In a repository of its own, because finding it can take much longer.
alias(
    name = "python",
    actual = "{interpreter}",
    visibility = ["//visibility:public"],
)
"""

def _python_headers_repository_impl(rctx):
    abi = rctx.attr.abi
    facts, missing = find_python(rctx, abi, "headers")
    gil_headers = None
    if facts:
        copy_headers(rctx, facts)
    elif PYTHON_ABIS[abi].free_threaded:
        missing = ""
        gil_headers = "@python_{}//:headers".format(abi.removesuffix("t"))
    rctx.file("BUILD.bazel", _BUILD.format(
        abi_tag = repr(abi),
        cpu = repr(host_cpu(rctx)),
        ext_suffix = repr(ext_suffix(abi, host_cpu(rctx))),
        gil_headers = repr(gil_headers),
        interpreter = "@python_{}_interpreter//:python".format(abi),
        missing = repr(missing),
        python_version = repr(PYTHON_ABIS[abi].python_version),
    ))

python_headers_repository = repository_rule(
    implementation = _python_headers_repository_impl,
    attrs = FINDER_ATTRS | {
        "abi": attr.string(doc = "A key of PYTHON_ABIS.", mandatory = True),
    },
    configure = True,
    doc = "`:headers`, `:abi`, and `:python` as an alias into the repository of the interpreter.",
    environ = FINDER_ENVIRONMENT,
    local = True,
)
