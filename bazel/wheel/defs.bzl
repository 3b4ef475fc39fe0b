"""Wheels whose tags are derived and checked, and extensions named for their ABI."""

load("//bazel/wheel/private:py_abi_wheel.bzl", _py_abi_wheel = "py_abi_wheel")
load("//bazel/wheel/private:py_extension.bzl", _py_extension = "py_extension")
load("//bazel/wheel/private:py_plugin_wheel.bzl", _py_plugin_wheel = "py_plugin_wheel")
load("//bazel/wheel/private:variant_table.bzl", _variant_table = "variant_table")
load("//bazel/wheel/private:wheel_component.bzl", _wheel_component = "wheel_component")
load("//bazel/wheel/private:wheel_info.bzl", _WheelInfo = "WheelInfo")
load("//bazel/wheel/private:wheel_library.bzl", _wheel_library = "wheel_library")
load("//bazel/wheel/private:wheel_policy.bzl", _wheel_policy = "wheel_policy")
load("//bazel/wheel/private:wheel_variant.bzl", _wheel_variant = "wheel_variant")

WheelInfo = _WheelInfo
py_abi_wheel = _py_abi_wheel
py_extension = _py_extension
py_plugin_wheel = _py_plugin_wheel
variant_table = _variant_table
wheel_component = _wheel_component
wheel_library = _wheel_library
wheel_policy = _wheel_policy
wheel_variant = _wheel_variant
