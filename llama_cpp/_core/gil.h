// Leaving the GIL for native code, and coming back, also while the interpreter shuts down.
//
// Before Python 3.14 a daemon thread that asks for the GIL of a finalizing interpreter is ended
// with pthread_exit(). That unwinds the C++ frames below with another unwinder than they were
// linked with, and the process crashes. So such a thread does not ask (shutdown.h).
#ifndef LLAMA_CPP_CORE_GIL_H_
#define LLAMA_CPP_CORE_GIL_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

#include "llama_cpp/_core/errors.h"

namespace core {

// Releases the GIL while it lives. Does nothing in a thread that does not hold it.
class GilRelease {
  public:
    GilRelease();
    ~GilRelease();
    GilRelease(const GilRelease&) = delete;
    GilRelease& operator=(const GilRelease&) = delete;

  private:
    PyThreadState* state_ = nullptr;
};

// call_native with the GIL released.
template <typename Call>
auto call_without_gil(ErrorKind kind, Call&& call) -> decltype(call()) {
    GilRelease release;
    return call_native(kind, std::forward<Call>(call));
}

// An object for Python that is destroyed with the GIL released: freeing a model takes its time, and
// may log.
template <typename T, typename... Args>
std::shared_ptr<T> make_outside_gil(Args&&... args) {
    return std::shared_ptr<T>(new T(std::forward<Args>(args)...), [](T* object) {
        GilRelease release;
        delete object;
    });
}

}  // namespace core

#endif  // LLAMA_CPP_CORE_GIL_H_
