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
    missing = {missing},
    of_ordinary_build = {of_ordinary_build},
    python_version = {python_version},
)

# In a repository of its own, because finding it can take much longer.
alias(
    name = "python",
    actual = "{interpreter}",
    visibility = ["//visibility:public"],
)
"""

def _find(rctx, abi):
    """Returns (facts, whether they are of the ordinary build, sentence that says why there are none)."""
    facts, missing = find_python(rctx, abi, "headers")
    if facts or not PYTHON_ABIS[abi].free_threaded:
        return facts, False, missing
    facts, missing = find_python(rctx, abi.removesuffix("t"), "headers")
    return facts, True, "no C headers of free-threaded Python {}, and {}".format(
        PYTHON_ABIS[abi].python_version,
        missing,
    )

def _python_headers_repository_impl(rctx):
    abi = rctx.attr.abi
    facts, of_ordinary_build, missing = _find(rctx, abi)
    if facts:
        copy_headers(rctx, facts)

        # Only the repository of the interpreter needs the rest.
        rctx.delete("standalone")
    rctx.file("BUILD.bazel", _BUILD.format(
        abi_tag = repr(abi),
        cpu = repr(host_cpu(rctx)),
        ext_suffix = repr(ext_suffix(abi, host_cpu(rctx))),
        interpreter = "@python_{}_interpreter//:python".format(abi),
        missing = repr("" if facts else missing),
        of_ordinary_build = of_ordinary_build,
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
)
