"""packaging: versions, tags and metadata of Python packages. For the wheel checker."""

PACKAGING_ARCHIVE = dict(
    build_file = Label("//third_party/packaging:packaging.BUILD"),
    file = "packaging-26.3-py3-none-any.whl",
    package = "packaging",
    sha256 = "d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c",
)
