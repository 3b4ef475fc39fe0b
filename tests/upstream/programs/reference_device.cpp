// For test-backend-ops: the kernels of one CPU variant against the reference implementation in
// another library.
//
// Upstream's program compares the device that `-b` names with the first CPU device, which it sets
// to use ggml's reference implementations. Here the library `reference.so` is that first one, and
// GGML_BACKEND_PATH the other, under the name of its variant. The names are all that is changed.
#include <cstdlib>
#include <string>

#include "ggml/src/ggml-backend-impl.h"

namespace {

ggml_backend_dev_t load(const char* path) {
    ggml_backend_reg_t reg = ggml_backend_load(path);
    GGML_ASSERT(reg != nullptr && ggml_backend_reg_dev_count(reg) == 1);
    return ggml_backend_reg_dev_get(reg, 0);
}

// DIRECTORY/libggml-cpu-haswell.so -> haswell
std::string variant_of(const std::string& path) {
    const size_t begin = path.rfind("libggml-cpu-") + std::string("libggml-cpu-").size();
    return path.substr(begin, path.rfind('.') - begin);
}

struct ReferenceDevice {
    ReferenceDevice() {
        const char* path = std::getenv("GGML_BACKEND_PATH");
        if (path == nullptr) {
            return;
        }
        load("./reference.so")->iface.get_name = [](ggml_backend_dev_t) { return "reference"; };
        // The plain variant is its own reference, and has this name then.
        static const std::string variant = variant_of(path);
        load(path)->iface.get_name = [](ggml_backend_dev_t) { return variant.c_str(); };
    }
} reference_device;

}  // namespace
