#include "tests/fuzz/native/target.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "native/core/load_model.h"
#include "native/core/log.h"

namespace fuzz {

void start() {
    core::install_abort_handler();
    core::open_log([](core::LogLevel, const std::string&) {});
    core::set_log_level(core::LogLevel::kNothing);
    ggml_backend_register(ggml_backend_cpu_reg());
    llama_backend_init();
}

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr) {
        throw std::runtime_error(std::string("the environment variable is not set: ") + name);
    }
    return value;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<core::ModelHandle> open_model(const std::string& path) {
    return core::load_model(path, core::ModelParams(), {});
}

std::shared_ptr<core::ContextHandle> new_context(const std::shared_ptr<core::ModelHandle>& model) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 64;
    params.n_threads = params.n_threads_batch = 1;
    return std::make_shared<core::ContextHandle>(model, params);
}

unsigned char Parts::byte() {
    const std::string_view found = bytes(1);
    return found.empty() ? 0 : static_cast<unsigned char>(found[0]);
}

unsigned short Parts::number() {
    const unsigned char low = byte();
    return static_cast<unsigned short>(low | byte() << 8);
}

std::string_view Parts::bytes(size_t size) {
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(found.size());
    return found;
}

std::string Parts::text() {
    const std::string_view found = bytes(std::min(rest_.find('\0'), rest_.size()));
    bytes(1);
    return std::string(found);
}

}  // namespace fuzz
