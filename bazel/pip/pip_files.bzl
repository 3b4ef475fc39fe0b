"""`pip_files`: pinned wheels of a Python index, not unpacked."""

load("//bazel/pip/private:pip_files_rule.bzl", _pip_files = "pip_files")

pip_files = _pip_files
