"""`requires_cuda()`."""

def requires_cuda():
    """Returns `target_compatible_with` constraints: CUDA is enabled and a toolkit is available."""
    return select({
        Label("//cuda:is_enabled"): [],
        "//conditions:default": [Label("//cuda:rules_are_enabled")],
    }) + select({
        Label("//cuda:is_valid_toolchain_found"): [],
        "//conditions:default": [Label("//cuda:valid_toolchain_is_configured")],
    })
