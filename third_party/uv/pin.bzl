"""uv's program, from its wheel: for the machine that tests."""

UV_ARCHIVES = {
    "uv_linux_x86_64": dict(
        build_file_content = 'exports_files(["uv"], visibility = ["//visibility:public"])\n',
        executables = ["uv"],
        file = "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        package = "uv",
        sha256 = "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
        strip_prefix = "uv-0.13.9.data/scripts",
    ),
}
