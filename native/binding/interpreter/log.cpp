// The log's sink in Python.
#include "native/core/log.h"

#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <mutex>
#include <string>
#include <utility>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/signals.h"

namespace py = pybind11;

namespace core {
namespace {

// The Python callable, or null for sys.stderr. Leaked: native threads may outlive static objects.
std::mutex g_callable_mutex;
PyObject* g_callable = nullptr;

py::object current_callable() {
    std::lock_guard<std::mutex> lock(g_callable_mutex);
    return py::reinterpret_borrow<py::object>(g_callable);
}

// An exception of the callable. KeyboardInterrupt and similar exceptions are not the callable's: a
// signal handler raised them while it ran, as any that has passed through a handler.
void dispose_of(py::error_already_set& error) {
    if (is_main_thread() && (!error.matches(PyExc_Exception) || raised_by_signal_handler(error))) {
        error.restore();
        keep_current_error();
    } else {
        error.discard_as_unraisable("llama_cpp log sink");
    }
}

// A callable that raises must not disturb the native code that is logging.
void write_line(LogLevel level, const std::string& line) {
    py::gil_scoped_acquire gil;
    py::error_scope keep_pending_exception;
    if (is_main_thread()) {
        run_signal_handlers();  // or they run in the callable, which must not raise
    }
    try {
        py::object callable = current_callable();
        if (callable) {
            callable(level, to_str(line));
        } else {
            PySys_FormatStderr("%U\n", to_str(line).ptr());
        }
    } catch (py::error_already_set& error) {
        dispose_of(error);
    }
}

using Sink = py::typing::Optional<py::typing::Callable<void(LogLevel, py::str)>>;

void set_log_sink(Sink sink) {
    if (!sink.is_none() && PyCallable_Check(sink.ptr()) == 0) {
        throw py::type_error(
            "the log sink must be callable: sink(level: LogLevel, line: str), or None");
    }
    PyObject* added = sink.is_none() ? nullptr : sink.release().ptr();
    PyObject* removed;
    {
        std::lock_guard<std::mutex> lock(g_callable_mutex);
        removed = std::exchange(g_callable, added);
    }
    Py_XDECREF(removed);
}

// Runs at exit, while the interpreter is whole: afterwards native threads log into nothing.
void stop_logging() {
    {
        GilRelease release;
        close_log();
    }
    set_log_sink(Sink(py::none()));
}

}  // namespace

void init_log(py::module_& m) {
    py::native_enum<LogLevel>(m, "LogLevel", "enum.IntEnum",
                              "Level of a log line. The numbers are GGML_LOG_LEVEL_*.")
        .value("NOTHING", LogLevel::kNothing)
        .value("DEBUG", LogLevel::kDebug)
        .value("INFO", LogLevel::kInfo)
        .value("WARNING", LogLevel::kWarning)
        .value("ERROR", LogLevel::kError)
        .finalize();
    open_log(write_line);
    py::module_::import("atexit").attr("register")(py::cpp_function(stop_logging));

    m.def("set_log_level", &set_log_level, py::arg("level"),
          R"(
          Sets the least level that is logged. Lines below it are dropped without taking the GIL.

          Args:
            level: The level; LogLevel.ERROR until it is set.
          )"_doc);
    m.def("set_log_sink", &set_log_sink, py::arg("sink").none(true),
          R"(
          Sends each whole log line to a function.

          Args:
            sink: Called as ``sink(level, line)`` on the thread that logs. None: lines go to
              ``sys.stderr``. An exception in it is reported as unraisable and otherwise ignored;
              lines that it logs itself are dropped.

          Raises:
            TypeError: The sink is not callable.
          )"_doc);
}

}  // namespace core
