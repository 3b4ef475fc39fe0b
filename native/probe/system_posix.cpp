// Linux and macOS.
#include <dlfcn.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdlib>

#include "native/probe/system.h"

namespace probe {

void die_quietly() {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    setenv("GGML_NO_BACKTRACE", "1", 1);
}

std::vector<std::string> arguments(int argc, char** argv) { return {argv, argv + argc}; }

void* load_symbol(const std::string& library, const char* name, std::string* error) {
    void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = handle == nullptr ? nullptr : dlsym(handle, name);
    if (symbol == nullptr) {
        *error = dlerror();
    }
    return symbol;
}

std::chrono::nanoseconds thread_time() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace probe
