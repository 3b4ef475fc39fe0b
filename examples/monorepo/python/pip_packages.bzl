"""`pip_packages`: packages that pip installs, as a repository.

It works behind any mirror that pip is set to, and stands for a monorepo's own way: rules_python's
pip.parse, or its own.
"""

_BUILD = """\
load("@rules_python//python:py_library.bzl", "py_library")

py_library(
    name = "packages",
    srcs = glob(["site/**/*.py"]),
    data = glob(
        ["site/**"],
        exclude = ["**/*.py", "**/*.pyc", "**/* *"],
    ),
    imports = ["site"],
    visibility = ["//visibility:public"],
)
"""

def _pip_packages_impl(rctx):
    python = rctx.getenv("PYTHON") or rctx.which("python3")
    command = [
        python,
        "-E",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--only-binary=:all:",
        "--target=site",
    ]
    for requirements in rctx.attr.requirements:
        command += ["--requirement", rctx.path(requirements)]
    result = rctx.execute(command)
    if result.return_code:
        fail("pip_packages: pip failed: " + result.stderr)
    rctx.file("BUILD.bazel", _BUILD)

pip_packages = repository_rule(
    implementation = _pip_packages_impl,
    attrs = {
        "requirements": attr.label_list(
            doc = "Requirement files, as pip reads them.",
            mandatory = True,
        ),
    },
    doc = "Declares `packages`, a py_library.",
    environ = ["PYTHON", "PATH", "PIP_INDEX_URL", "PIP_CONFIG_FILE"],
)
