"""The locked wheels, as repository rules and BUILD files ask for them."""

load(":lock.bzl", "LOCK")

def _entries(abi_tag):
    """Returns file -> [package, sha256, environment, ...] for an ABI tag."""
    if abi_tag not in LOCK:
        return {}
    return {file: entry.split(" ") for file, entry in (LOCK["any"] | LOCK[abi_tag]).items()}

def downstream_wheels(abi_tag):
    """Returns the files of all environments, for `pip_files`; none if the ABI is not locked."""
    return {file: " ".join(entry[:2]) for file, entry in _entries(abi_tag).items()}

def environment_wheels(environment, abi_tag):
    """Returns the names of an environment's files; none if the ABI is not locked."""
    return [file for file, entry in _entries(abi_tag).items() if environment in entry[2:]]
