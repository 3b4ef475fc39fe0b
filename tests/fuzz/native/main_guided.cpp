// Hands a target over to libFuzzer, whose options and directories are the arguments.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "native/core/errors.h"
#include "tests/fuzz/native/target.h"

// The engine's interface (compiler-rt/lib/fuzzer/FuzzerInterface.h).
extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*run)(const uint8_t* data, size_t size));

namespace {

int run(const uint8_t* data, size_t size) {
    try {
        fuzz::run({reinterpret_cast<const char*>(data), size});
    } catch (const core::Error&) {
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    fuzz::start();
    fuzz::prepare();
    return LLVMFuzzerRunDriver(&argc, &argv, run);
}
