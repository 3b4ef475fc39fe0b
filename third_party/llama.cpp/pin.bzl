"""Pin of llama.cpp's sources: the `vendor/llama.cpp` directory of the llama-cpp-python sdist."""

load(":patches.bzl", "LLAMA_CPP_PATCHES")

LLAMA_CPP_ARCHIVE = dict(
    build_file = Label("//third_party/llama.cpp:llama_cpp.BUILD"),
    file = "llama_cpp_python-0.3.36.tar.gz",
    package = "llama-cpp-python",
    patches = LLAMA_CPP_PATCHES,
    sha256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
    strip_prefix = "llama_cpp_python-0.3.36/vendor/llama.cpp",
)
