"""Wheels whose tags are derived, and extensions named for their ABI."""

load("//bazel/wheel/private:py_abi_wheel.bzl", _py_abi_wheel = "py_abi_wheel")
load("//bazel/wheel/private:py_extension.bzl", _py_extension = "py_extension")

py_abi_wheel = _py_abi_wheel
py_extension = _py_extension
