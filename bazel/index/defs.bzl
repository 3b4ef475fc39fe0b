"""A static package index for pip and uv, a directory per backend, and a landing page."""

load("//bazel/index/private:wheel_index.bzl", _wheel_index = "wheel_index")

wheel_index = _wheel_index
