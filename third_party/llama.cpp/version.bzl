"""Version of the pinned llama.cpp, in one small generated header per library, never a define."""

# Out of CMakeLists.txt (LLAMA_VERSION_BASE) and ggml/CMakeLists.txt (GGML_VERSION_*) of the pinned
# sources.
LLAMA_VERSION = "0.5.0"
GGML_VERSION = "0.25.3"

# The commit that llama_cpp_python-0.3.36.tar.gz carries, abbreviated as `git describe` does.
LLAMA_COMMIT = "0c1e57098"
