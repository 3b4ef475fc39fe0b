"""Build settings of //cuda."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load(":archs.bzl", "CudaArchsInfo", "parse_archs")

def _cuda_archs_flag_impl(ctx):
    return parse_archs(ctx.build_setting_value)

cuda_archs_flag = rule(
    implementation = _cuda_archs_flag_impl,
    build_setting = config.string(flag = True),
    doc = "Architectures to compile for; archs.bzl has the notation.",
    provides = [CudaArchsInfo],
)

def _repeatable_string_flag_impl(ctx):
    return BuildSettingInfo(value = [value for value in ctx.build_setting_value if value])

repeatable_string_flag = rule(
    implementation = _repeatable_string_flag_impl,
    build_setting = config.string(flag = True, allow_multiple = True),
    doc = "Options that add up when the flag is given several times.",
    provides = [BuildSettingInfo],
)
