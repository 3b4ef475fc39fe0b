"""`requires_cuda()`."""

def requires_cuda():
    """For `target_compatible_with`: satisfied where CUDA is enabled and a toolkit can be had."""
    return select({
        Label("//cuda:is_enabled"): [],
        "//conditions:default": [Label("//cuda:rules_are_enabled")],
    }) + select({
        Label("//cuda:is_valid_toolchain_found"): [],
        "//conditions:default": [Label("//cuda:valid_toolchain_is_configured")],
    })
