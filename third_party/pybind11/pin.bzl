"""pybind11's headers and licence, from its wheel."""

PYBIND11_VERSION = "3.1.0"

PYBIND11_ARCHIVE = dict(
    build_file = Label("//third_party/pybind11:pybind11.BUILD"),
    file = "pybind11-{}-py3-none-any.whl".format(PYBIND11_VERSION),
    package = "pybind11",
    sha256 = "b8488090f8acffbcb6b5d6a85571a6827a0a2981ffb75e5a0b27b87c4a6b7dd0",
)
