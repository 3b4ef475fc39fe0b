#include "native/core/remote_devices.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

#include "native/core/errors.h"
#include "native/core/interrupt.h"
#include "native/core/native_files.h"
#include "native/core/shutdown.h"

namespace core {
namespace {

// Functions that the backend gives out by name (ggml-rpc.h).
using AddServer = ggml_backend_reg_t (*)(const char* endpoint);
using StartServer = void (*)(const char* endpoint, const char* cache_dir, size_t n_threads,
                             size_t n_devices, ggml_backend_dev_t* devices);
using SetAbortCallback = void (*)(ggml_abort_callback callback);

std::mutex g_mutex;
ggml_backend_reg_t g_rpc = nullptr;

bool should_give_up(void*) { return is_exiting() || interrupt_requested(); }

template <typename Function>
Function function_of(ggml_backend_reg_t backend, const char* name) {
    void* const address = ggml_backend_reg_get_proc_address(backend, name);
    if (address == nullptr) {
        throw Error(ErrorKind::kBackend, format("the RPC backend has no function %s", name));
    }
    return reinterpret_cast<Function>(address);
}

ggml_backend_reg_t rpc_backend() {
    const std::lock_guard<std::mutex> lock(g_mutex);
    if (g_rpc == nullptr) {
        throw Error(ErrorKind::kBackend, "the RPC backend is not open: call open_rpc_backend()");
    }
    return g_rpc;
}

bool is_same_device(ggml_backend_dev_t first, ggml_backend_dev_t second) {
    ggml_backend_dev_props a{};
    ggml_backend_dev_props b{};
    ggml_backend_dev_get_props(first, &a);
    ggml_backend_dev_get_props(second, &b);
    return a.device_id != nullptr && b.device_id != nullptr &&
           std::strcmp(a.device_id, b.device_id) == 0;
}

}  // namespace

void open_rpc_backend(const std::string& path) {
    const std::lock_guard<std::mutex> lock(g_mutex);
    if (g_rpc != nullptr) {
        return;
    }
    // Never closed: its connections have threads.
    static std::shared_ptr<void> library;
    library = open_own_backend(path);
    const auto init = reinterpret_cast<ggml_backend_reg_t (*)()>(entry_of(library));
    if (init == nullptr) {
        throw Error(ErrorKind::kBackend, "cannot load the backend " + path);
    }
    ggml_backend_reg_t backend = init();
    function_of<SetAbortCallback>(backend, "ggml_backend_rpc_set_abort_callback")(should_give_up);
    g_rpc = backend;
}

std::vector<ggml_backend_dev_t> remote_devices(const std::vector<std::string>& servers) {
    std::vector<ggml_backend_dev_t> devices;
    if (servers.empty()) {
        return devices;
    }
    const auto add_server = function_of<AddServer>(rpc_backend(), "ggml_backend_rpc_add_server");
    for (const std::string& server : servers) {
        ggml_backend_reg_t found =
            call_native(ErrorKind::kBackend, [&] { return add_server(server.c_str()); });
        const size_t count = found == nullptr ? 0 : ggml_backend_reg_dev_count(found);
        for (size_t i = 0; i < count; ++i) {
            devices.push_back(ggml_backend_reg_dev_get(found, i));
        }
    }
    return devices;
}

// llama_prepare_model_devices() of src/llama.cpp.
std::vector<ggml_backend_dev_t> with_local_devices(std::vector<ggml_backend_dev_t> remote) {
    std::vector<ggml_backend_dev_t> gpus;
    std::vector<ggml_backend_dev_t> integrated;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        const enum ggml_backend_dev_type type = ggml_backend_dev_type(device);
        const auto is_this = [&](ggml_backend_dev_t other) {
            return is_same_device(device, other);
        };
        if (type == GGML_BACKEND_DEVICE_TYPE_GPU &&
            std::none_of(gpus.begin(), gpus.end(), is_this)) {
            gpus.push_back(device);
        } else if (type == GGML_BACKEND_DEVICE_TYPE_IGPU &&
                   (integrated.empty() || ggml_backend_dev_backend_reg(device) ==
                                              ggml_backend_dev_backend_reg(integrated.back()))) {
            integrated.push_back(device);
        }
    }
    const auto& local = gpus.empty() ? integrated : gpus;
    remote.insert(remote.end(), local.begin(), local.end());
    return remote;
}

void serve_devices(const std::string& endpoint, const std::string& cache, size_t n_threads,
                   std::vector<ggml_backend_dev_t> devices) {
    const auto start = function_of<StartServer>(rpc_backend(), "ggml_backend_rpc_start_server");
    call_native(ErrorKind::kBackend, [&] {
        start(endpoint.c_str(), cache.empty() ? nullptr : cache.c_str(), n_threads, devices.size(),
              devices.data());
    });
}

}  // namespace core
