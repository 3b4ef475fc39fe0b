#include "native/core/log.h"

#include <atomic>
#include <cctype>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "common/log.h"
#include "ggml.h"
#include "llama.h"
#include "native/core/errors.h"

namespace core {
namespace {

std::atomic<int> g_level{GGML_LOG_LEVEL_ERROR};

// Held shared while a line is in the sink, and exclusively to close the log.
std::shared_mutex g_sink_gate;
std::atomic<LogSink> g_sink{nullptr};

struct PendingLine {
    int level = GGML_LOG_LEVEL_INFO;
    std::string text;
};

thread_local PendingLine t_pending;
thread_local LogCapture* t_capture = nullptr;
thread_local bool t_in_sink = false;
thread_local bool t_errors_only = false;

bool is_wanted(int level) {
    const int least = g_level.load(std::memory_order_relaxed);
    return least != GGML_LOG_LEVEL_NONE && level >= least &&
           (!t_errors_only || level >= GGML_LOG_LEVEL_ERROR);
}

void hand_to_sink(int level, const std::string& line) {
    if (t_in_sink || !is_wanted(level)) {
        return;
    }
    // try_lock: while the log is being closed a line is dropped, never waited for.
    std::shared_lock<std::shared_mutex> gate(g_sink_gate, std::try_to_lock);
    const LogSink sink = gate.owns_lock() ? g_sink.load() : nullptr;
    if (sink != nullptr) {
        t_in_sink = true;
        sink(static_cast<LogLevel>(level), line);
        t_in_sink = false;
    }
}

void deliver(int level, std::string line) {
    if (line.empty()) {
        return;
    }
    if (t_capture != nullptr && level == GGML_LOG_LEVEL_ERROR) {
        t_capture->add(std::move(line));
    } else {
        hand_to_sink(level, line);
    }
}

// llama.cpp logs pieces of lines; CONT continues the line before it on the same thread.
void on_log(ggml_log_level raw_level, const char* text, void*) {
    PendingLine& pending = t_pending;
    if (raw_level != GGML_LOG_LEVEL_CONT) {
        if (!pending.text.empty()) {
            deliver(pending.level, std::exchange(pending.text, {}));
        }
        pending.level = raw_level == GGML_LOG_LEVEL_NONE ? GGML_LOG_LEVEL_INFO : raw_level;
    }
    const bool captured = t_capture != nullptr && pending.level == GGML_LOG_LEVEL_ERROR;
    if (!captured && !is_wanted(pending.level)) {
        return;
    }
    std::string_view rest(text);
    for (size_t end; (end = rest.find('\n')) != std::string_view::npos;
         rest.remove_prefix(end + 1)) {
        pending.text.append(rest.substr(0, end));
        deliver(pending.level, std::exchange(pending.text, {}));
    }
    pending.text.append(rest);
}

void flush_pending() {
    if (!t_pending.text.empty()) {
        deliver(t_pending.level, std::exchange(t_pending.text, {}));
    }
}

// llama-common makes no messages below a level of its own. Errors are always made, for LogCapture;
// its debug messages, which dump whole parsers, never.
int common_verbosity(int level) {
    switch (level) {
        case GGML_LOG_LEVEL_DEBUG:
        case GGML_LOG_LEVEL_INFO:
            return LOG_LEVEL_INFO;
        case GGML_LOG_LEVEL_WARN:
            return LOG_LEVEL_WARN;
        default:
            return LOG_LEVEL_ERROR;
    }
}

std::string_view without_function_name(std::string_view line) {
    size_t end = 0;
    while (end < line.size() && (std::isalnum(static_cast<unsigned char>(line[end])) != 0 ||
                                 line[end] == '_' || line[end] == '~')) {
        ++end;
    }
    const bool has_name = end > 0 && line.substr(end, 2) == ": ";
    return has_name ? line.substr(end + 2) : line;
}

}  // namespace

void open_log(LogSink sink) {
    g_sink.store(sink);
    llama_log_set(on_log, nullptr);  // ggml's callback too
    common_log_set_verbosity_thold(common_verbosity(g_level));
}

void close_log() {
    std::unique_lock<std::shared_mutex> gate(g_sink_gate);
    g_sink.store(nullptr);
}

void set_log_level(LogLevel level) {
    g_level.store(static_cast<int>(level));
    common_log_set_verbosity_thold(common_verbosity(g_level));
}

LogCapture::LogCapture() : outer_(t_capture) {
    flush_pending();
    t_capture = this;
}

LogCapture::~LogCapture() {
    flush_pending();
    t_capture = outer_;
    for (std::string& line : lines_) {
        deliver(GGML_LOG_LEVEL_ERROR, std::move(line));
    }
}

std::vector<std::string> LogCapture::take_lines() {
    flush_pending();
    std::vector<std::string> lines = std::exchange(lines_, {});
    for (std::string& line : lines) {
        line = std::string(without_function_name(line));
    }
    return lines;
}

std::string LogCapture::take() { return join(take_lines(), "; "); }

LogErrorsOnly::LogErrorsOnly() : outer_(t_errors_only) {
    flush_pending();
    t_errors_only = true;
}

LogErrorsOnly::~LogErrorsOnly() {
    flush_pending();
    t_errors_only = outer_;
}

std::string join(const std::vector<std::string>& parts, const char* separator) {
    std::string joined;
    for (size_t i = 0; i < parts.size(); ++i) {
        joined += (i == 0 ? "" : separator) + parts[i];
    }
    return joined;
}

}  // namespace core
