#include "native/core/interrupt.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "llama.h"

// Of our patch; it has no header.
extern "C" LLAMA_API void llama_set_interrupt_callback(ggml_abort_callback callback,
                                                       void* user_data);

namespace core {
namespace {

// Asking may have to wait for the GIL, 5 ms for each busy thread. The period grows with that, so
// that it costs a twentieth of the time at most, up to this.
constexpr int64_t kLongestPeriodMs = 200;
constexpr int64_t kPeriodPerWaiting = 20;

thread_local InterruptWatch* t_watch = nullptr;

}  // namespace

int64_t coarse_time_ms() {
#ifdef CLOCK_MONOTONIC_COARSE
    // 4 ns instead of 20, and never a system call. ggml asks after every operation.
    std::timespec now;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0) {
        return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
    }
#endif
    using std::chrono::duration_cast;
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return duration_cast<std::chrono::milliseconds>(since_start).count();
}

InterruptWatch::InterruptWatch(Ask ask, void* user_data)
    : outer_(std::exchange(t_watch, this)),
      ask_(ask),
      user_data_(user_data),
      next_ms_(coarse_time_ms() + kAskPeriodMs) {}

InterruptWatch::~InterruptWatch() { t_watch = outer_; }

bool InterruptWatch::requested() {
    if (requested_) {
        return true;
    }
    const int64_t begin = coarse_time_ms();
    if (begin < next_ms_) {
        return false;
    }
    requested_ = ask_(user_data_);
    const int64_t end = coarse_time_ms();
    next_ms_ = end + std::clamp((end - begin) * kPeriodPerWaiting, kAskPeriodMs, kLongestPeriodMs);
    return requested_;
}

bool interrupt_requested() { return t_watch != nullptr && t_watch->requested(); }

void poll_interrupt() {
    if (interrupt_requested()) {
        throw Interrupted{};
    }
}

void install_interrupt_callback() {
    llama_set_interrupt_callback([](void*) { return interrupt_requested(); }, nullptr);
}

}  // namespace core
