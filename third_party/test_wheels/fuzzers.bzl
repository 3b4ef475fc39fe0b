"""Atheris, the fuzzer of //tests/fuzz/python. The oldest Python has an older version of it."""

# ABI tag -> file -> "package sha256", as in pins.bzl.
FUZZERS = {
    "cp310": {
        "atheris-2.3.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "atheris b91cb296d60915c3efa4f6db48f09c4678b574cddb7ca98035f1cb9d9fb96f64",
    },
    "cp311": {
        "atheris-3.0.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "atheris 8a5c8a781467c187da40fd29139784193e2647058831f837f675d0bb8cbd8746",
    },
    "cp312": {
        "atheris-3.1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "atheris ec5e11f21a4c197fe91f7aea2b2de88e623c73a21fc07b105ac6329a1588457b",
    },
    "cp313": {
        "atheris-3.1.0-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "atheris f8a9f51ce8369026e8eb7b7174835e8c4c85a1a6db5d9add36c15100779d2a39",
    },
    "cp314": {
        "atheris-3.1.0-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "atheris 315a0b5c819852b1ffe1ca72efc389c7724881f2c33e4aacb8c6bcec49bd5011",
    },
}

def fuzzer_repository(abi_tag):
    """Returns the name of the repository with the fuzzer for an ABI tag."""
    return "fuzzer_" + abi_tag
