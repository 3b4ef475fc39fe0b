// Leaving the GIL for native code, and coming back, also while the interpreter shuts down.
//
// Before Python 3.14 a daemon thread that asks for the GIL of a finalizing interpreter is ended
// with pthread_exit(). That unwinds the C++ frames below with another unwinder than they were
// linked with, and the process crashes. So such a thread does not ask (shutdown.h).
#ifndef NATIVE_BINDING_INTERPRETER_GIL_H_
#define NATIVE_BINDING_INTERPRETER_GIL_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <utility>

#include "native/core/errors.h"
#include "native/core/interrupt.h"

namespace core {

// Releases the GIL while it lives. Does nothing in a thread that does not hold it. In the main
// thread, interrupt_requested() takes it back now and then for Python's signal handlers.
class GilRelease {
  public:
    GilRelease();
    ~GilRelease();
    GilRelease(const GilRelease&) = delete;
    GilRelease& operator=(const GilRelease&) = delete;

  private:
    static bool ask_signal_handlers(void* self);

    PyThreadState* state_ = nullptr;
    std::optional<InterruptWatch> watch_;
};

// call_native with the GIL released.
template <typename Call>
auto call_without_gil(ErrorKind kind, Call&& call) -> decltype(call()) {
    GilRelease release;
    return call_native(kind, std::forward<Call>(call));
}

// An object that is destroyed with the GIL released, whoever drops the last share: freeing a model
// takes its time, may log, and may wait for a mutex whose owner logs.
template <typename T>
std::shared_ptr<T> share_outside_gil(std::unique_ptr<T> object) {
    return std::shared_ptr<T>(object.release(), [](T* last) {
        GilRelease release;
        delete last;
    });
}

template <typename T, typename... Args>
std::shared_ptr<T> make_outside_gil(Args&&... args) {
    return share_outside_gil(std::make_unique<T>(std::forward<Args>(args)...));
}

}  // namespace core

#endif  // NATIVE_BINDING_INTERPRETER_GIL_H_
