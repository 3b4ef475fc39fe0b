#include "llama_cpp/_core/gil.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "llama_cpp/_core/init.h"

namespace py = pybind11;

namespace core {
namespace {

constexpr std::chrono::seconds kLongestWait{5};

std::atomic<bool> g_exiting{false};
std::atomic<int> g_calls{0};  // threads that are outside the GIL, or on their way back
std::atomic<std::thread::id> g_exit_thread{};

bool must_not_come_back() {
    return g_exiting.load() && g_exit_thread.load() != std::this_thread::get_id();
}

[[noreturn]] void sleep_until_exit() {
    g_calls.fetch_sub(1);
    for (;;) {
        std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

// Registered with atexit: daemon threads may still be in native code.
void stop_calls() {
    g_exit_thread.store(std::this_thread::get_id());
    g_exiting.store(true);
    GilRelease release;
    const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
    while (g_calls.load() > 1 && std::chrono::steady_clock::now() < deadline) {  // this one counts
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// The threads of the parent process do not exist in the child.
void forget_other_threads() { g_calls.store(0); }

}  // namespace

GilRelease::GilRelease() {
    if (PyGILState_Check() == 0) {
        return;
    }
    g_calls.fetch_add(1);
    state_ = PyEval_SaveThread();
    if (must_not_come_back()) {
        sleep_until_exit();
    }
}

GilRelease::~GilRelease() {
    if (state_ == nullptr) {
        return;
    }
    if (must_not_come_back()) {
        sleep_until_exit();
    }
    PyEval_RestoreThread(state_);
    g_calls.fetch_sub(1);
}

bool is_exiting() { return g_exiting.load(std::memory_order_relaxed); }

void init_gil(py::module_&) {
    py::module_::import("atexit").attr("register")(py::cpp_function(stop_calls));
    py::object os = py::module_::import("os");
    if (py::hasattr(os, "register_at_fork")) {
        os.attr("register_at_fork")(py::arg("after_in_child") =
                                        py::cpp_function(forget_other_threads));
    }
}

}  // namespace core
