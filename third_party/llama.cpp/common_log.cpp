// Stands in for common/log.cpp: llama-common logs through llama.cpp's log callback. Upstream's has
// a thread that writes to file descriptors. Its programs link their own in front of this one.
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "llama.h"
#include "log.h"

namespace {

std::atomic<int> g_verbosity{LOG_DEFAULT_LLAMA};

std::string format(const char* pattern, va_list args) {
    va_list again;
    va_copy(again, args);
    const int size = std::vsnprintf(nullptr, 0, pattern, args);
    std::string text(size > 0 ? size : 0, '\0');
    std::vsnprintf(text.data(), text.size() + 1, pattern, again);
    va_end(again);
    return text;
}

void write(ggml_log_level level, const std::string& text) {
    ggml_log_callback callback = nullptr;
    void* data = nullptr;
    llama_log_get(&callback, &data);
    if (callback != nullptr) {
        callback(level, text.c_str(), data);
    }
}

}  // namespace

int common_log_get_verbosity_thold() { return g_verbosity; }
void common_log_set_verbosity_thold(int verbosity) { g_verbosity = verbosity; }
bool common_log_get_jsonl() { return false; }

struct common_log* common_log_main() { return nullptr; }

void common_log_add(struct common_log*, ggml_log_level level, const char* pattern, ...) {
    va_list args;
    va_start(args, pattern);
    write(level, format(pattern, args));
    va_end(args);
}

// For upstream's programs and their command line options, which are not here.
void common_log_default_callback(ggml_log_level, const char*, void*) {}
void common_log_set_jsonl(bool) {}
void common_log_add_json(struct common_log*, const char*, const common_json&) {}
void common_log_pause(struct common_log*) {}
void common_log_flush(struct common_log*) {}
void common_log_set_file(struct common_log*, const char*) {}
void common_log_set_colors(struct common_log*, log_colors) {}
bool common_log_get_colors(struct common_log*) { return false; }
void common_log_set_prefix(struct common_log*, bool) {}
void common_log_set_timestamps(struct common_log*, bool) {}
