// Leaving the GIL for native code, and coming back, also while the interpreter shuts down.
//
// Before Python 3.14 a daemon thread that asks for the GIL of a finalizing interpreter is ended
// with pthread_exit(). That unwinds the C++ frames below with another unwinder than they were
// linked with, and the process crashes. So at exit running calls are told to stop and waited for,
// and a thread that comes back later sleeps instead of asking.
#ifndef LLAMA_CPP_CORE_GIL_H_
#define LLAMA_CPP_CORE_GIL_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

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

// Whether the interpreter is exiting: long calls should end, and nobody should ask for the GIL.
bool is_exiting();

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
