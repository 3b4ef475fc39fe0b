"""The CPython ABIs that wheels are built for."""

def _abi(python_version, free_threaded = False):
    return struct(
        # Whether it is that of a free-threaded build (PEP 703).
        free_threaded = free_threaded,
        # Language version, such as `3.14`.
        python_version = python_version,
    )

# ABI tag of PEP 425 -> its facts, by age.
# buildifier: disable=unsorted-dict-items
PYTHON_ABIS = {
    "cp39": _abi("3.9"),
    "cp310": _abi("3.10"),
    "cp311": _abi("3.11"),
    "cp312": _abi("3.12"),
    "cp313": _abi("3.13"),
    "cp314": _abi("3.14"),
    "cp315": _abi("3.15"),
    "cp313t": _abi("3.13", free_threaded = True),
    "cp314t": _abi("3.14", free_threaded = True),
    "cp315t": _abi("3.15", free_threaded = True),
}

def for_available_abis(prefix):
    """Returns targets of ABIs with C headers; the search runs when a dependent is built.

    Args:
      prefix: label without the ABI tag at its end, such as `:wheel_`.

    Returns:
      Labels for a configurable attribute.
    """
    labels = []
    for abi in PYTHON_ABIS:
        labels = labels + select({
            Label("@python_{}//:available".format(abi)): [prefix + abi],
            "//conditions:default": [],
        })
    return labels
