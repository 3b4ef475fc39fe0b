"""Module extension that declares the Python interpreters and C headers.

`@local_python` is the interpreter that runs the build: the one that `--repo_env=PYTHON=...` names,
else the first python3 on PATH. It must have C headers.

`@python_<abi>` has the C headers of each ABI of abis.bzl for the target platform, and `:python`, an
interpreter that runs here. Each of the two is taken from the first place that has it; nothing is
looked for until something needs it.

1. `--repo_env=PYTHON_<ABI>=/path/to/python`, such as `PYTHON_CP313T`.
2. `@local_python`'s interpreter, if it is of that ABI.
3. `standalone`: a pinned archive of python-build-standalone.
4. `machine`: `pythonX.Y` and `pythonX.Yt` on PATH, pyenv's versions, uv's managed Pythons.
5. `debian`: Debian's packages, which are the newest versions only, relocated into the user's cache
   directory. An interpreter of free-threaded Python 3.13 is built from Debian's source, once.
6. For the headers of a free-threaded ABI, those of the ordinary build, which differ by one macro.

`--repo_env=PYTHON_SOURCES=machine,debian` says which of 3 to 5 are tried, in which order. bazelw
says exactly that where only mirrors can be reached, so that no time is lost.

The headers for another machine than this one (machines.bzl) are those of the installation for it
that `--repo_env=PYTHON_<ABI>_<MACHINE>=/path/to/it` names, such as `PYTHON_CP314_MACOS_AARCH64`,
else 3's, else for Windows this machine's with another pyconfig.h, for musl those of glibc's
Python, else 6.

An ABI that is found nowhere is skipped by `bazel build //...`; asked for by name it fails with one
sentence.
"""

load("//bazel/toolchains/python/private:local_python.bzl", "local_python")
load("//bazel/toolchains/python/private:python_abi_repository.bzl", "python_abi_repository")
load("//bazel/toolchains/python/private:python_headers.bzl", "python_headers_repository")
load("//bazel/toolchains/python/private:python_interpreter.bzl", "python_interpreter_repository")
load(":abis.bzl", "PYTHON_ABIS")
load(":machines.bzl", "PYTHON_MACHINES")

def _python_impl(_module_ctx):
    local_python(name = "local_python")
    for abi in PYTHON_ABIS:
        python_abi_repository(name = "python_" + abi, abi = abi)
        for machine in PYTHON_MACHINES:
            python_headers_repository(
                name = "python_{}_{}".format(abi, machine),
                abi = abi,
                machine = machine,
            )
        python_interpreter_repository(name = "python_{}_interpreter".format(abi), abi = abi)

python = module_extension(
    implementation = _python_impl,
    doc = "Declares @local_python and, for each ABI, @python_<abi>, @python_<abi>_<machine> and " +
          "@python_<abi>_interpreter.",
)
