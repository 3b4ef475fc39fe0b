"""pyelftools: reads ELF files. For the wheel checker."""

PYELFTOOLS_ARCHIVE = dict(
    build_file = "//third_party/pyelftools:pyelftools.BUILD",
    file = "pyelftools-0.33-py3-none-any.whl",
    package = "pyelftools",
    sha256 = "f215ad5f47d3f1373a21496a6c9e0707c622840d0622f23ff7ce08678b020036",
)
