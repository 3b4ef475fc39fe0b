"""Module extension that declares every third-party repository of llama_cpp_python."""

load("@llama_cpp_python//third_party:repositories.bzl", "declare_third_party")

def _third_party_impl(_module_ctx):
    declare_third_party()

third_party = module_extension(
    implementation = _third_party_impl,
    doc = "Sources, compilers, libraries and test tools that come out of a Python index or Debian.",
)
