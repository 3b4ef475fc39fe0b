// The prints of llama-common to stderr, as log messages: common.bzl renames its fprintf.
#include <cstdarg>
#include <cstdio>
#include <string>

#include "log.h"

extern "C" int llama_common_fprintf(FILE* stream, const char* pattern, ...) {
    va_list args;
    va_start(args, pattern);
    va_list again;
    va_copy(again, args);
    int size;
    if (stream == stderr) {
        size = std::vsnprintf(nullptr, 0, pattern, args);
        std::string text(size > 0 ? size : 0, '\0');
        std::vsnprintf(text.data(), text.size() + 1, pattern, again);
        common_log_add(common_log_main(), GGML_LOG_LEVEL_WARN, "%s", text.c_str());
    } else {
        size = std::vfprintf(stream, pattern, args);
    }
    va_end(again);
    va_end(args);
    return size;
}
