#include "native/binding/interpreter/gil.h"

#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/signals.h"
#include "native/core/shutdown.h"

namespace py = pybind11;

namespace core {
namespace {

// Registered with atexit: daemon threads may still be in native code.
void stop_calls() {
    GilRelease release;
    begin_exit();
}

}  // namespace

GilRelease::GilRelease() {
    if (PyGILState_Check() == 0) {
        return;
    }
    enter_native_call();
    state_ = PyEval_SaveThread();
    stay_away_if_exiting();
    if (is_main_thread()) {
        watch_.emplace(ask_signal_handlers, this);
    }
}

GilRelease::~GilRelease() {
    if (state_ == nullptr) {
        return;
    }
    const bool was_watched = watch_.has_value();
    watch_.reset();
    stay_away_if_exiting();
    PyEval_RestoreThread(state_);
    leave_native_call();
    if (was_watched) {
        raise_kept_exception_soon();
    }
}

bool GilRelease::ask_signal_handlers(void* self) {
    auto& release = *static_cast<GilRelease*>(self);
    PyEval_RestoreThread(release.state_);
    const bool raised = run_signal_handlers();
    release.state_ = PyEval_SaveThread();
    return raised;
}

void init_gil(py::module_&) {
    py::module_::import("atexit").attr("register")(py::cpp_function(stop_calls));
    py::object os = py::module_::import("os");
    if (py::hasattr(os, "register_at_fork")) {
        os.attr("register_at_fork")(py::arg("after_in_child") =
                                        py::cpp_function(forget_native_calls));
    }
}

}  // namespace core
