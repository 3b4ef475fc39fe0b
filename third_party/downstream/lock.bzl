"""Wheels of the environments in environments.bzl.

Written by `./bazelw run //tools:lock_downstream`.
"""

# ABI tag (`any` for all of them) -> file -> "package sha256 environment...".
LOCK = {}
