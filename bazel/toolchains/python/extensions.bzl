"""Module extension that declares the Python interpreters."""

load(":local_python.bzl", "local_python")

def _python_impl(_module_ctx):
    local_python(name = "local_python")

python = module_extension(
    implementation = _python_impl,
    doc = "Declares @local_python.",
)
