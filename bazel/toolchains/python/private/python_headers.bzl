"""`python_headers_repository`: the C headers and the facts of one ABI on one machine."""

load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "PYTHON_MACHINES", "ext_suffix")
load(":copy_headers.bzl", "copy_headers")
load(
    ":find.bzl",
    "FINDER_ATTRS",
    "FINDER_ENVIRONMENT",
    "find_python",
    "host_machine",
    "python_title",
)
load(":foreign_headers.bzl", "find_foreign_headers")

_BUILD = """\
load("@llama_cpp_python//bazel/toolchains/python/private:targets.bzl", "python_headers")

python_headers(
    name = "headers",
    abi_tag = {abi_tag},
    ext_suffix = {ext_suffix},
    machine = {machine},
    missing = {missing},
    of_ordinary_build = {of_ordinary_build},
    python_version = {python_version},
)
"""

def _headers_of(rctx, abi, machine):
    if machine == host_machine(rctx):
        return find_python(rctx, abi, "headers")
    return find_foreign_headers(rctx, abi, machine)

def _find_headers(rctx, abi):
    """Returns (facts, the reason if there are none).

    Headers of glibc's Python will do for musl: of pyconfig.h the public headers read sizes and
    features that one CPU has with both.
    """
    machine = rctx.attr.machine
    facts, missing = _headers_of(rctx, abi, machine)
    if not facts and PYTHON_MACHINES[machine].libc == "musl":
        facts, _ = _headers_of(rctx, abi, machine.replace("musl_", "linux_"))
    return facts, missing

def _find(rctx, abi):
    """Returns (facts, whether they are of the ordinary build, the reason if there are none)."""
    facts, missing = _find_headers(rctx, abi)
    if facts or not PYTHON_ABIS[abi].free_threaded:
        # For Windows the two differ by a macro that the compiler is given in any case.
        is_windows = PYTHON_MACHINES[rctx.attr.machine].os == "windows"
        return facts, PYTHON_ABIS[abi].free_threaded and is_windows, missing
    facts, missing = _find_headers(rctx, abi.removesuffix("t"))
    return facts, True, "no C headers of {}, and {}".format(python_title(abi), missing)

def _python_headers_repository_impl(rctx):
    abi = rctx.attr.abi
    facts, of_ordinary_build, missing = _find(rctx, abi)
    if facts:
        copy_headers(rctx, facts)

        # Only the repository of the interpreter needs the rest.
        rctx.delete("standalone")
    rctx.file("BUILD.bazel", _BUILD.format(
        abi_tag = repr(abi),
        ext_suffix = repr(ext_suffix(abi, rctx.attr.machine)),
        machine = repr(rctx.attr.machine),
        missing = repr("" if facts else missing),
        of_ordinary_build = of_ordinary_build,
        python_version = repr(PYTHON_ABIS[abi].python_version),
    ))

python_headers_repository = repository_rule(
    implementation = _python_headers_repository_impl,
    attrs = FINDER_ATTRS | {
        "abi": attr.string(doc = "A key of PYTHON_ABIS.", mandatory = True),
        "machine": attr.string(
            doc = "A key of PYTHON_MACHINES.",
            mandatory = True,
            values = PYTHON_MACHINES.keys(),
        ),
        "_windows_pyconfig": attr.label(
            allow_single_file = True,
            default = Label("//bazel/toolchains/python/private:windows_pyconfig.h"),
        ),
    },
    configure = True,
    doc = "`:headers`, `:abi` and `:available`, for targets that are this machine.",
    environ = FINDER_ENVIRONMENT,
)
