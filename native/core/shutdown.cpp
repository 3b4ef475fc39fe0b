#include "native/core/shutdown.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace core {
namespace {

constexpr std::chrono::seconds kLongestWait{5};

std::atomic<bool> g_exiting{false};
std::atomic<int> g_calls{0};
std::atomic<std::thread::id> g_exit_thread{};

}  // namespace

bool is_exiting() { return g_exiting.load(std::memory_order_relaxed); }

void enter_native_call() { g_calls.fetch_add(1); }

void leave_native_call() { g_calls.fetch_sub(1); }

void stay_away_if_exiting() {
    if (!g_exiting.load() || g_exit_thread.load() == std::this_thread::get_id()) {
        return;
    }
    leave_native_call();
    for (;;) {
        std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

void begin_exit() {
    g_exit_thread.store(std::this_thread::get_id());
    g_exiting.store(true);
    const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
    while (g_calls.load() > 1 && std::chrono::steady_clock::now() < deadline) {  // this one counts
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void forget_native_calls() { g_calls.store(0); }

}  // namespace core
