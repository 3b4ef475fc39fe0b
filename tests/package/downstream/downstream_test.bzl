"""`downstream_test`: a package that uses llama-cpp-python, in an environment of its own."""

load("@downstream_wheels//:missing.bzl", "MISSING")
load("@local_python//:abi.bzl", "ABI_TAG")
load("//bazel/availability:defs.bzl", "sentence_as_name", "where_found")
load("//bazel/testing:pytest_test.bzl", "pytest_test")
load(
    "//third_party/downstream:environments.bzl",
    "COMMON",
    "ENVIRONMENTS",
    "LOCKED_ABIS",
    "NO_DEPS",
)
load("//third_party/downstream:wheels.bzl", "environment_wheels")

_NOT_LOCKED = "the wheels of downstream packages are pinned for {} and not for {}".format(
    ", ".join(LOCKED_ABIS),
    ABI_TAG,
)

def _missing(wheels):
    """Returns the reason for which the environment can't be made, or ""."""
    if ABI_TAG not in LOCKED_ABIS:
        return sentence_as_name(_NOT_LOCKED)
    for file in wheels:
        if file in MISSING:
            return MISSING[file]
    return ""

def downstream_test(
        name,
        environment,
        suites = None,
        modules = [],
        certificate = None,
        data = [],
        env = {},
        size = "medium",
        tags = []):
    """Runs suites in an environment.

    Args:
      name: name of the test.
      environment: key of ENVIRONMENTS.
      suites: files of which the `*_test.py` are run; default the suite `<name>.py`.
      modules: files in the directories from which the suites import.
      certificate: a certificate with its key, whose file CERTIFICATE names.
      data: further files that the suites read.
      env: further variables of the environment; `$(rootpath ...)` is expanded.
      size: of the test.
      tags: of the test.
    """
    suites = suites or "//tests/package/downstream:{}.py".format(name)
    wheels = environment_wheels(environment, ABI_TAG)
    missing = _missing(wheels)
    compatible_with = where_found(missing) or [
        "@platforms//cpu:x86_64",
        "@platforms//os:linux",
    ]
    native.filegroup(
        name = name + "_wheels",
        srcs = [] if missing else ["@downstream_wheels//:" + file for file in wheels],
        target_compatible_with = compatible_with,
    )
    pytest_test(
        name = name,
        size = size,
        srcs = [
            "//tests/package/downstream:environment_test.py",
            "//bazel/index:serve.py",
        ],
        data = [
            "//tests/package/downstream:example_fixtures.py",
            suites,
            ":{}_wheels".format(name),
            "//bazel/testing:wheel_fixtures.py",
            "//examples:downstream",
            "//tests/models:media_files.py",
            "//tests/models:projectors",
            "//tests/models:random",
            "//tests/models:trained",
            "//tests/package/consumers:index",
            "@pip_wheel//:files",
            "@uv_linux_x86_64//:uv",
        ] + modules + data + ([certificate] if certificate else []),
        env = env | ({
            "CERTIFICATE": "$(rootpath {})".format(certificate),
        } if certificate else {}) | {
            "EXAMPLES": "$(rootpaths //examples:downstream)",
            "FIXTURES": " ".join([
                "$(rootpath //bazel/testing:wheel_fixtures.py)",
                "$(rootpath //tests/package/downstream:example_fixtures.py)",
            ]),
            "INDEX": "$(rootpath //tests/package/consumers:index)",
            "LLAMA_TEST_MODEL": "$(rootpath //tests/models:trained)",
            "LLAMA_TEST_MODELS_DIR": "$(rootpath //tests/models:random)",
            "LLAMA_TEST_PROJECTORS_DIR": "$(rootpath //tests/models:projectors)",
            "MODULES": " ".join([
                "$(rootpath {})".format(module)
                for module in ["//tests/models:media_files.py"] + modules
            ]),
            "NO_DEPS": json.encode(NO_DEPS.get(environment, [])),
            "PIP_WHEEL": "$(rootpath @pip_wheel//:files)",
            "REQUIREMENTS": json.encode(ENVIRONMENTS[environment] + COMMON),
            "SUITES": "$(rootpaths {})".format(suites),
            "UV": "$(rootpath @uv_linux_x86_64//:uv)",
            "VERSION": native.module_version(),
            "WHEELS": "$(rootpaths :{}_wheels)".format(name),
        },
        site = "//tests:tools",
        tags = tags,
        target_compatible_with = compatible_with,
    )
