"""Finding a pinned file of a Python index, for repository rules of others."""

load(
    "//bazel/pip/private:index.bzl",
    _FIND_FILE_ATTRS = "FIND_FILE_ATTRS",
    _PIP_ENVIRONMENT = "PIP_ENVIRONMENT",
    _look_up = "look_up",
    _require_download = "require_download",
)

FIND_FILE_ATTRS = _FIND_FILE_ATTRS
PIP_ENVIRONMENT = _PIP_ENVIRONMENT
look_up = _look_up
require_download = _require_download
