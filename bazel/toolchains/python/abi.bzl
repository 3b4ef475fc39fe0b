"""`PythonAbiInfo`: the names of a CPython ABI, for extensions and wheels."""

PythonAbiInfo = provider(
    doc = "Facts of one CPython ABI.",
    fields = {
        "abi_tag": "ABI tag of PEP 425, such as `cp311` or `cp313t`.",
        "ext_suffix": "Suffix of extension modules, such as `.cpython-311-x86_64-linux-gnu.so`.",
        "free_threaded": "Whether the interpreter is a free-threaded build (PEP 703).",
        "python_tag": "Python tag of PEP 425, such as `cp311`.",
        "version": "Language version, such as `3.11`.",
    },
)

def _python_abi_impl(ctx):
    return [PythonAbiInfo(
        abi_tag = ctx.attr.abi_tag,
        ext_suffix = ctx.attr.ext_suffix,
        free_threaded = ctx.attr.free_threaded,
        python_tag = ctx.attr.python_tag,
        version = ctx.attr.version,
    )]

python_abi = rule(
    implementation = _python_abi_impl,
    attrs = {
        "abi_tag": attr.string(doc = "See PythonAbiInfo.", mandatory = True),
        "ext_suffix": attr.string(doc = "See PythonAbiInfo.", mandatory = True),
        "free_threaded": attr.bool(doc = "See PythonAbiInfo.", mandatory = True),
        "python_tag": attr.string(doc = "See PythonAbiInfo.", mandatory = True),
        "version": attr.string(doc = "See PythonAbiInfo.", mandatory = True),
    },
    doc = "Carries the facts of one CPython ABI.",
)
