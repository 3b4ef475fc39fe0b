// Ending a native call early because a signal handler of Python raised (Ctrl-C, an alarm).
//
// Code that may run long asks interrupt_requested() or poll_interrupt() in its loops, as often as
// it likes. The answer comes from the InterruptWatch of this thread. The binding (signals.h) has
// one in Python's main thread only, since Python runs signal handlers nowhere else. A handler is
// arbitrary Python and may call this module again: hold no plain mutex while asking.
//
// Once the answer is yes it stays so until the call ends. How the call then fails does not matter:
// the binding raises the handler's exception in place of any other error.
#ifndef NATIVE_CORE_INTERRUPT_H_
#define NATIVE_CORE_INTERRUPT_H_

#include <cstdint>

namespace core {

// Not a std::exception: llama.cpp's own handlers must not swallow it half way.
struct Interrupted {};

// Returns whether the native call that runs in this thread should end. It only reads a clock,
// except every 50 ms or so: a call that is shorter is never disturbed.
bool interrupt_requested();

// Returns a monotonic time that is cheap to ask for, and some milliseconds old.
int64_t coarse_time_ms();

// How often something is asked that may have to wait for the GIL.
constexpr int64_t kAskPeriodMs = 50;

// Throws Interrupted if the call should end.
void poll_interrupt();

// Makes llama.cpp ask too, while it loads, tokenizes or quantizes. Contexts have a callback each.
void install_interrupt_callback();

// While one lives, `ask` is called now and then by the code that runs in this thread.
class InterruptWatch {
  public:
    using Ask = bool (*)(void* user_data);

    InterruptWatch(Ask ask, void* user_data);
    ~InterruptWatch();
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

    bool requested();

  private:
    InterruptWatch* outer_;
    Ask ask_;
    void* user_data_;
    int64_t next_ms_;
    bool requested_ = false;
};

}  // namespace core

#endif  // NATIVE_CORE_INTERRUPT_H_
