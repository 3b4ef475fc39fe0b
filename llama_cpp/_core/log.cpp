#include "llama_cpp/_core/log.h"

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <atomic>
#include <cctype>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "ggml.h"
#include "llama.h"
#include "llama_cpp/_core/convert.h"
#include "llama_cpp/_core/gil.h"
#include "llama_cpp/_core/init.h"

// llama-common has a log of its own, written by a thread of its own.
void common_log_set_verbosity_thold(int verbosity);

namespace py = pybind11;

namespace core {
namespace {

std::atomic<int> g_level{GGML_LOG_LEVEL_ERROR};

// Held shared while a line is handed to Python, and exclusively by the exit handler.
std::shared_mutex g_python_gate;
std::atomic<bool> g_python_alive{true};

// The Python callable, or null for sys.stderr. Leaked: native threads may outlive static objects.
std::mutex g_sink_mutex;
PyObject* g_sink = nullptr;

struct PendingLine {
    int level = GGML_LOG_LEVEL_INFO;
    std::string text;
};

thread_local PendingLine t_pending;
thread_local LogCapture* t_capture = nullptr;
thread_local bool t_in_sink = false;

bool is_wanted(int level) {
    const int least = g_level.load(std::memory_order_relaxed);
    return least != GGML_LOG_LEVEL_NONE && level >= least;
}

py::object current_sink() {
    std::lock_guard<std::mutex> lock(g_sink_mutex);
    return py::reinterpret_borrow<py::object>(g_sink);
}

// The GIL is held here. A sink that raises must not disturb the native code that is logging.
void call_sink(int level, const std::string& line) {
    py::error_scope keep_pending_exception;
    try {
        py::object sink = current_sink();
        if (sink) {
            sink(level, to_str(line));
        } else {
            PySys_FormatStderr("%U\n", to_str(line).ptr());
        }
    } catch (py::error_already_set& error) {
        error.discard_as_unraisable("llama_cpp log sink");
    }
}

void hand_to_python(int level, const std::string& line) {
    if (t_in_sink || !is_wanted(level)) {
        return;
    }
    // try_lock: while the interpreter shuts down a line is dropped, never waited for.
    std::shared_lock<std::shared_mutex> gate(g_python_gate, std::try_to_lock);
    if (!gate.owns_lock() || !g_python_alive.load()) {
        return;
    }
    t_in_sink = true;
    {
        py::gil_scoped_acquire gil;
        call_sink(level, line);
    }
    t_in_sink = false;
}

void deliver(int level, std::string line) {
    if (line.empty()) {
        return;
    }
    if (t_capture != nullptr && level == GGML_LOG_LEVEL_ERROR) {
        t_capture->add(std::move(line));
    } else {
        hand_to_python(level, line);
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

std::string_view without_function_name(std::string_view line) {
    size_t end = 0;
    while (end < line.size() && (std::isalnum(static_cast<unsigned char>(line[end])) != 0 ||
                                 line[end] == '_' || line[end] == '~')) {
        ++end;
    }
    const bool has_name = end > 0 && line.substr(end, 2) == ": ";
    return has_name ? line.substr(end + 2) : line;
}

void set_log_level(int level) {
    if (level < GGML_LOG_LEVEL_NONE || level > GGML_LOG_LEVEL_ERROR) {
        throw py::value_error(
            "log level must be 0 (nothing), 1 (debug), 2 (info), 3 (warning) or 4 (error)");
    }
    g_level.store(level);
}

using Sink = py::typing::Optional<py::typing::Callable<void(int, py::str)>>;

void set_log_sink(Sink sink) {
    if (!sink.is_none() && PyCallable_Check(sink.ptr()) == 0) {
        throw py::type_error("the log sink must be callable: sink(level: int, line: str), or None");
    }
    PyObject* added = sink.is_none() ? nullptr : sink.release().ptr();
    PyObject* removed;
    {
        std::lock_guard<std::mutex> lock(g_sink_mutex);
        removed = std::exchange(g_sink, added);
    }
    Py_XDECREF(removed);
}

// Runs at exit, while the interpreter is whole: afterwards native threads log into nothing.
void stop_logging() {
    {
        GilRelease release;
        std::unique_lock<std::shared_mutex> gate(g_python_gate);
        g_python_alive.store(false);
    }
    set_log_sink(Sink(py::none()));
}

}  // namespace

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

std::string join(const std::vector<std::string>& parts, const char* separator) {
    std::string joined;
    for (size_t i = 0; i < parts.size(); ++i) {
        joined += (i == 0 ? "" : separator) + parts[i];
    }
    return joined;
}

void init_log(py::module_& m) {
    llama_log_set(on_log, nullptr);  // ggml's callback too
    common_log_set_verbosity_thold(-1);
    py::module_::import("atexit").attr("register")(py::cpp_function(stop_logging));

    m.def(
        "set_log_level", &set_log_level, py::arg("level"),
        "Least level that is logged: 1 debug, 2 info, 3 warning, 4 error (default), 0 nothing.\n\n"
        "Lines below it are dropped without taking the GIL. ValueError for another number.");
    m.def("set_log_sink", &set_log_sink, py::arg("sink").none(true),
          "Send each whole log line to ``sink(level, line)``; None: to ``sys.stderr``.\n\n"
          "The sink is called on whichever thread logs. An exception in it is reported as\n"
          "unraisable and otherwise ignored; what it logs itself is dropped.");
}

}  // namespace core
