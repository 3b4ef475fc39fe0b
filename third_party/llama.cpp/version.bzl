"""Version of the pinned llama.cpp, in one small generated header per library, never a define."""

# Out of CMakeLists.txt (LLAMA_VERSION_BASE) and ggml/CMakeLists.txt (GGML_VERSION_*) of the pinned
# sources.
LLAMA_VERSION = "0.6.0"
GGML_VERSION = "0.26.0"

# The commit that xllamacpp-2026.10.11549.tar.gz carries, abbreviated as `git describe` does.
LLAMA_COMMIT = "b11549"
