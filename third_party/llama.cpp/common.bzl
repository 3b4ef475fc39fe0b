"""`llama-common`, linked statically: upstream's chat templates, grammars and sampling."""

load("@bazel_skylib//rules:copy_file.bzl", "copy_file")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load(":ggml.bzl", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD")
load(":version.bzl", "LLAMA_COMMIT", "LLAMA_VERSION")

def _build_info():
    """Declares the unit with version and commit, as upstream's common/build-info.cpp.in."""
    write_file(
        name = "build_info",
        out = "generated/build-info.cpp",
        content = [
            "#include <cstdio>",
            "#include \"build-info.h\"",
            "int llama_build_number(void) { return 0; }",
            "const char * llama_commit(void) {{ return \"{}\"; }}".format(LLAMA_COMMIT),
            "const char * llama_compiler(void) { return __VERSION__; }",
            "const char * llama_build_target(void) { return \"\"; }",
            "const char * llama_build_info(void) {{ return \"{}-{}\"; }}".format(
                LLAMA_VERSION,
                LLAMA_COMMIT,
            ),
            "void llama_print_build_info(const char * version, FILE * stream) {",
            "    fprintf(stream, \"version: %s (%s)\\n\", version, llama_commit());",
            "}",
            "",
        ],
    )

# common/fit.cpp swaps the process's log callback while it works, which no other thread survives
# that logs at that moment. It gets functions of its own that do nothing.
_FIT_LOG_FUNCTIONS = {
    "llama_log_get": "(ggml_log_callback * callback, void ** data) " +
                     "{ *callback = nullptr; *data = nullptr; }",
    "llama_log_set": "(ggml_log_callback, void *) {}",
}

def _fit(name):
    """Declares the estimate of how much of a model fits into the memory of the devices."""
    write_file(
        name = name + "_log",
        out = "generated/fit-log.cpp",
        content = ["#include \"llama.h\""] + [
            "void {}_of_fit{}".format(function, rest)
            for function, rest in _FIT_LOG_FUNCTIONS.items()
        ] + [""],
    )
    cc_library(
        name = name,
        srcs = [
            "common/fit.cpp",
            name + "_log",
        ],
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
            "-I{}/common".format(source_root()),
            "-I{}/vendor".format(source_root()),
        ],
        # The declarations in llama.h are renamed with the calls.
        local_defines = ["{0}={0}_of_fit".format(function) for function in _FIT_LOG_FUNCTIONS],
        textual_hdrs = native.glob(["common/*.h", "vendor/nlohmann/*.hpp"]),
        deps = [":llama_headers"],
    )

def llama_common(name):
    """Declares `llama-common`, without TLS downloads and without LLGuidance.

    Args:
      name: name of the library.
    """
    _build_info()
    _fit(name = "llama_common_fit")

    # By a path in this repository: that of the file itself is another one where this module is a
    # dependency.
    for unit in ["common_fprintf", "common_log"]:
        copy_file(
            name = unit,
            src = Label("//third_party/llama.cpp:{}.cpp".format(unit)),
            out = "generated/{}.cpp".format(unit),
            allow_symlink = True,
        )
    cc_library(
        name = "cpp_httplib",
        srcs = ["vendor/cpp-httplib/httplib.cpp"],
        hdrs = ["vendor/cpp-httplib/httplib.h"],
        # Upstream's limits (vendor/cpp-httplib/CMakeLists.txt); other people's warnings stay quiet.
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + ["-w"],
        local_defines = [
            "CPPHTTPLIB_FORM_URL_ENCODED_PAYLOAD_MAX_LENGTH=1048576",
            "CPPHTTPLIB_LISTEN_BACKLOG=512",
            "CPPHTTPLIB_REQUEST_URI_MAX_LENGTH=32768",
            "CPPHTTPLIB_TCP_NODELAY=1",
        ],
    )
    cc_library(
        name = name,
        srcs = native.glob(
            ["common/*.cpp", "common/jinja/*.cpp", "common/parsers/*.cpp"],
            exclude = [
                "common/fit.cpp",
                "common/log.cpp",
            ],
        ) + [
            ":build_info",
            ":common_fprintf",
            ":common_log",
        ],
        hdrs = native.glob(["common/**/*.h", "common/**/*.hpp"]),
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
            "-I{}/vendor".format(source_root()),
            # With it stdio.h defines fprintf inline, and the definition would be renamed below.
            "-U_FORTIFY_SOURCE",
        ],
        includes = ["common"],
        # Prints to stderr become log messages (common_fprintf.cpp). The declaration in stdio.h is
        # renamed with the calls.
        local_defines = ["fprintf=llama_common_fprintf"],
        textual_hdrs = native.glob(["vendor/**/*.h", "vendor/**/*.hpp"]),
        deps = [
            ":cpp_httplib",
            ":llama_common_fit",
            ":llama_headers",
        ],
    )
