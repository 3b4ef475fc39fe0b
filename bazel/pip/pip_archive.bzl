"""`pip_archive`: a pinned artefact of a Python index as a Bazel repository."""

load("//bazel/pip/private:pip_archive_rule.bzl", _pip_archive = "pip_archive")

pip_archive = _pip_archive
