"""Wheels that the tests install, by the ABI tag they are for."""

load("//third_party/packaging:pin.bzl", "PACKAGING_ARCHIVE")
load("//third_party/pyelftools:pin.bzl", "PYELFTOOLS_ARCHIVE")

def _pin(archive):
    """Returns the entry of a file that is pinned elsewhere already."""
    return {archive["file"]: "{} {}".format(archive["package"], archive["sha256"])}

# ABI tag (`any` for pure Python) -> file -> "package sha256".
TEST_WHEELS = {
    "any": {
        "auditwheel-6.8.2-py3-none-any.whl": "auditwheel 05fd2dd4b743217cd5f66066adc95b03a079424b1f0a878ad1e40fe2cdea4704",
        "diskcache-5.6.3-py3-none-any.whl": "diskcache 5e31b2d5fbad117cc363ebaf6b689474db18a1f6438bc82358b024abd4c2ca19",
        "gguf-0.19.0-py3-none-any.whl": "gguf 70bcd10edfe697fb2dad6e40af2234b9d8ece9a41a99761405121ebda1c3c1cd",
        "iniconfig-2.3.1-py3-none-any.whl": "iniconfig 9121e2c1fdb355232495be3194c8dfe87ccc2d5dee45947b78e68f499790d7a7",
        "pluggy-1.6.0-py3-none-any.whl": "pluggy e920276dd6813095e9377c0bc5566d94c932c33b27a3e3945d8389c374dd4746",
        "pybind11_stubgen-3.0.0-py3-none-any.whl": "pybind11-stubgen 859b7b7dbd31d00f722f19152216b5506e8a5d3fdf586944de0cade80f972298",
        "pygments-2.20.0-py3-none-any.whl": "pygments 81a9e26dd42fd28a23a2d169d86d7ac03b46e2f8b59ed4698fb4785f946d0176",
        "pytest-9.2.0-py3-none-any.whl": "pytest 07acdcf88ec174f907dc01af70bf52d49b014bbab03faeeade31c96b18c2e588",
        "rocm_bootstrap-0.3.0-py3-none-any.whl": "rocm-bootstrap 62d0160ecdd86f7132dbab9aec257cb2c96327df2592b0633aa6bb56399cc095",
        "ruff-0.17.6-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "ruff aa3b08254a732acba246891089a152c47c5733dc36b8ecb76ce8602f8326e5e4",
        "typing_extensions-4.16.0-py3-none-any.whl": "typing-extensions 481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8",
        "variantlib-0.2.2-py3-none-any.whl": "variantlib ad4c75ac4bf92b623d7fcc55f0af3ec131012ea2ff8336332d08ac8ef88745ab",
    } | _pin(PACKAGING_ARCHIVE) | _pin(PYELFTOOLS_ARCHIVE),
    "cp310": {
        "exceptiongroup-1.3.2-py3-none-any.whl": "exceptiongroup 41c6a70dfec22050d3d8b43386b059a4dc0bca3f3d40a40971cb206fff1785af",
        "numpy-2.2.6-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "numpy fc7b73d02efb0e18c000e9ad8b83480dfcd5dfd11065997ed4c6747470ae8915",
        "pillow-12.3.0-cp310-cp310-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "pillow f0606c8bf2cdefea14a43530f7657cbbb7ecf1c4222512492ef4a4434a9501ec",
        "pyyaml-6.0.3-cp310-cp310-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": "pyyaml 9c7708761fccb9397fe64bbc0395abcae8c4bf7b0eac081e12b809bf47700d0b",
        "tomli-2.5.0-py3-none-any.whl": "tomli 32a7b79ac57a2e83670ce329ccf675798bc5a2094783a63676866b70503f2e2b",
    },
    "cp311": {
        "numpy-2.3.5-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy 8cba086a43d54ca804ce711b2a940b16e452807acebe7852ff327f1ecd49b0d4",
        "pillow-12.3.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "pillow 23d27a3e0307ec2244cc51e7287b919aa68d097504ebe19df4e76a98a3eea5bd",
        "pyyaml-6.0.3-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": "pyyaml b8bb0864c5a28024fac8a632c443c87c5aa6f215c0b126c449ae1a150412f31d",
    },
    "cp312": {
        "numpy-2.3.5-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy 0d8163f43acde9a73c2a33605353a4f1bc4798745a8b1d73183b28e5b435ae28",
        "pillow-12.3.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "pillow 78cb2c6865a35ab8ff8b75fd122f6033b92a62c82801110e48ddd6c936a45d91",
        "pyyaml-6.0.3-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": "pyyaml ba1cc08a7ccde2d2ec775841541641e4548226580ab850948cbfda66a1befcdc",
    },
    "cp313": {
        "numpy-2.3.5-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy 11e06aa0af8c0f05104d56450d6093ee639e15f24ecf62d417329d06e522e017",
        "pillow-12.3.0-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "pillow 0847a763afefb695bc912d7c131e7e0632d4edc1d8698f58ddabec8e46b8b6d3",
        "pyyaml-6.0.3-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": "pyyaml 0f29edc409a6392443abf94b9cf89ce99889a1dd5376d94316ae5145dfedd5d6",
    },
    "cp314": {
        "numpy-2.3.5-cp314-cp314-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy fffe29a1ef00883599d1dc2c51aa2e5d80afe49523c261a74933df395c15c520",
        "pillow-12.3.0-cp314-cp314-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "pillow 251bf95b67017e27b13d82f5b326234ca62d70f9cf4c2b9032de2358a3b12c7b",
        "pyyaml-6.0.3-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": "pyyaml c458b6d084f9b935061bc36216e8a69a7e293a2f1e68bf956dcd9e6cbcd143f5",
    },
}

# pip itself, run from its wheel: an interpreter need not have one.
PIP_WHEEL = {
    "pip-26.3-py3-none-any.whl": "pip f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
}

def test_wheels_repository(abi_tag):
    """Returns the name of the repository with the wheels for an ABI tag."""
    return "test_wheels_" + abi_tag
