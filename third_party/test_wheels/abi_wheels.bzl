"""Wheels that tests/package/abis installs beside the wheel under test, for ABIs not in pins.bzl.

The suites of those ABIs run in an environment of their own, so they need less than the default
Python's: NumPy, and for 3.9 the last pip and pytest that run there.
"""

# ABI tag -> file -> "package sha256", as in pins.bzl.
ABI_WHEELS = {
    "cp313t": {
        "numpy-2.4.6-cp313-cp313t-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy ede83e07a75dd06bc501566c1eca2afc0d61677c1472ac9ad93fdee6e638a48d",
    },
    "cp314t": {
        "numpy-2.5.5-cp314-cp314t-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy 479e43c183049ec1a820eeb36549e493924f56b3e893a1d5865d0fff12abad47",
    },
    "cp315": {
        "numpy-2.5.5-cp315-cp315-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy 9c3e1ac3cd5d3329f4d38709ff4c21f0621bbe8779c094d6de8ec8347246fcdc",
    },
    "cp315t": {
        "numpy-2.5.5-cp315-cp315t-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "numpy b6e30929e3443f46aa7be2749fb003fefbbad6b6a1e2168bf8850a55b657914a",
    },
    "cp39": {
        "exceptiongroup-1.3.2-py3-none-any.whl": "exceptiongroup 41c6a70dfec22050d3d8b43386b059a4dc0bca3f3d40a40971cb206fff1785af",
        "iniconfig-2.1.0-py3-none-any.whl": "iniconfig 9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760",
        "numpy-2.0.2-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "numpy f26b258c385842546006213344c50655ff1555a9338e2e5e02a0756dc3e803dd",
        "pip-26.0.1-py3-none-any.whl": "pip bdb1b08f4274833d62c1aa29e20907365a2ceb950410df15fc9521bad440122b",
        "pytest-8.4.2-py3-none-any.whl": "pytest 872f880de3fc3a5bdc88a11b39c9710c3497a547cfa9320bc3c5e62fbf272e79",
        "tomli-2.5.0-py3-none-any.whl": "tomli 32a7b79ac57a2e83670ce329ccf675798bc5a2094783a63676866b70503f2e2b",
    },
}

def abi_wheels_repository(abi_tag):
    """Returns the name of the repository with the wheels of ABI_WHEELS for an ABI tag."""
    return "abi_wheels_" + abi_tag
