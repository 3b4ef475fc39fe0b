#include "native/binding/interpreter/signals.h"

#include <pybind11/pybind11.h>

#include <atomic>
#include <utility>

#include "native/binding/interpreter/init.h"
#include "native/core/interrupt.h"

namespace py = pybind11;

namespace core {
namespace {

std::atomic<unsigned long> g_main_thread{0};

// Touched by the main thread only. A pointer, because Python may be gone when statics are
// destroyed.
py::error_already_set* g_kept = nullptr;

int raise_pending(void*) { return raise_kept_exception() ? -1 : 0; }

// The thread that forks is the child's main thread.
void adopt_main_thread() { g_main_thread.store(PyThread_get_thread_ident()); }

// The code object of a handler: a function, method, partial or object with __call__; else null.
py::object code_of(const py::object& handler) {
    for (const char* inner : {"__func__", "func"}) {
        if (py::hasattr(handler, inner)) {
            return code_of(handler.attr(inner));
        }
    }
    if (py::hasattr(handler, "__code__")) {
        return handler.attr("__code__");
    }
    const py::object call = py::getattr(py::type::of(handler), "__call__", py::none());
    return py::getattr(call, "__code__", py::object());
}

bool is_handler(const py::object& code) {
    const py::module_ signal = py::module_::import("signal");
    for (const py::handle number : signal.attr("valid_signals")()) {
        if (code.is(code_of(signal.attr("getsignal")(number)))) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool raised_by_signal_handler(const py::error_already_set& error) {
    try {
        for (py::object trace = error.trace(); trace && !trace.is_none();
             trace = trace.attr("tb_next")) {
            if (is_handler(trace.attr("tb_frame").attr("f_code"))) {
                return true;
            }
        }
    } catch (py::error_already_set&) {  // the interpreter is exiting
    }
    return false;
}

bool is_main_thread() {
    return PyThread_get_thread_ident() == g_main_thread.load(std::memory_order_relaxed);
}

bool run_signal_handlers() {
    if (g_kept == nullptr && PyErr_CheckSignals() != 0) {
        keep_current_error();
    }
    return g_kept != nullptr;
}

void keep_current_error() {
    auto* const error = new py::error_already_set();
    delete std::exchange(g_kept, error);
}

bool raise_kept_exception() {
    if (g_kept == nullptr) {
        return false;
    }
    py::error_already_set* const error = std::exchange(g_kept, nullptr);
    error->restore();
    delete error;
    return true;
}

void raise_kept_exception_soon() {
    if (g_kept != nullptr) {
        Py_AddPendingCall(raise_pending, nullptr);
    }
}

void init_signals(py::module_&) {
    install_interrupt_callback();
    const py::object main_thread = py::module_::import("threading").attr("main_thread")();
    g_main_thread.store(main_thread.attr("ident").cast<unsigned long>());
    py::object os = py::module_::import("os");
    if (py::hasattr(os, "register_at_fork")) {
        os.attr("register_at_fork")(py::arg("after_in_child") =
                                        py::cpp_function(adopt_main_thread));
    }
}

}  // namespace core
