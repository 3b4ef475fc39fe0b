"""Module extension that declares the Python interpreters and C headers.

`@local_python` is the interpreter that runs the build: the one that `--repo_env=PYTHON=...` names, else the first
python3 on PATH. It must have C headers.

`@python_<abi>` has the C headers of each ABI of abis.bzl, and `:python`, an interpreter. Each of the two is taken from
the first place that has it; nothing is looked for until something needs it.

1. What `--repo_env=PYTHON_<ABI>=/path/to/python` names, such as `PYTHON_CP313T`.
2. `@local_python`'s interpreter, if it is of that ABI.
3. The machine: `pythonX.Y` and `pythonX.Yt` on PATH, pyenv's versions, uv's managed Pythons.
4. Debian's packages, relocated into the user's cache folder. That has the newest versions only.
5. For the headers of a free-threaded ABI, those of the ordinary build, which differ by one macro.
"""

load("//bazel/toolchains/python/private:local_python.bzl", "local_python")
load("//bazel/toolchains/python/private:python_headers.bzl", "python_headers_repository")
load("//bazel/toolchains/python/private:python_interpreter.bzl", "python_interpreter_repository")
load(":abis.bzl", "PYTHON_ABIS")

def _python_impl(_module_ctx):
    local_python(name = "local_python")
    for abi in PYTHON_ABIS:
        python_headers_repository(name = "python_" + abi, abi = abi)
        python_interpreter_repository(name = "python_{}_interpreter".format(abi), abi = abi)

python = module_extension(
    implementation = _python_impl,
    doc = "Declares @local_python and, for each ABI, @python_<abi> and @python_<abi>_interpreter.",
)
