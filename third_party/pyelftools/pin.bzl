"""pyelftools: reads ELF files. For the wheel checker."""

# The newest that runs on Python 3.9, which may be the Python that builds.
PYELFTOOLS_ARCHIVE = dict(
    build_file = Label("//third_party/pyelftools:pyelftools.BUILD"),
    file = "pyelftools-0.32-py3-none-any.whl",
    package = "pyelftools",
    sha256 = "013df952a006db5e138b1edf6d8a68ecc50630adbd0d83a2d41e7f846163d738",
)
