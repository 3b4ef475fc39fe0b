// Versions and features of llama.cpp, and its compute backends.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "build-info.h"
#include "ggml-backend.h"
#include "llama.h"
#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/core/errors.h"
#include "native/core/load_model.h"
#include "native/core/log.h"
#include "native/core/native_files.h"
#include "native/core/remote_devices.h"

namespace py = pybind11;

namespace core {
namespace {

namespace fs = std::filesystem;

// With an empty registry some functions of llama.cpp load every libggml-*.so of the executable's
// and of the current directory. They must not be called then.
bool has_backends() { return ggml_backend_reg_count() > 0; }

const char* type_name(enum ggml_backend_dev_type type) {
    switch (type) {
        case GGML_BACKEND_DEVICE_TYPE_CPU:
            return "cpu";
        case GGML_BACKEND_DEVICE_TYPE_GPU:
            return "gpu";
        case GGML_BACKEND_DEVICE_TYPE_IGPU:
            return "igpu";
        case GGML_BACKEND_DEVICE_TYPE_ACCEL:
            return "accel";
        case GGML_BACKEND_DEVICE_TYPE_META:
            return "meta";
    }
    return "unknown";
}

void check_library(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(fs::u8path(path), error);
    const char* reason = nullptr;
    if (path.empty()) {
        reason = "the path is empty";
    } else if (path.find('\0') != std::string::npos) {
        reason = "the path contains a NUL character";
    } else if (fs::exists(status) && !fs::is_regular_file(status)) {
        reason = "it is not a regular file";  // and opening it may never end
    } else if (fs::is_regular_file(status) && fs::file_size(fs::u8path(path), error) == 0) {
        reason = "it is empty";  // or one of /proc
    }
    if (reason != nullptr) {
        throw Error(ErrorKind::kBackend,
                    format("cannot load the backend %s: %s", path.c_str(), reason));
    }
}

std::pair<std::string, std::string> load_backend(const Path& file) {
    const std::string& path = file.text;
    check_library(path);
    LogCapture log;
    ggml_backend_reg_t reg = call_without_gil(ErrorKind::kBackend, [&] {
        const auto opened = open_own_backend(path);
        return ggml_backend_load(path.c_str());
    });
    if (reg == nullptr) {
        std::string reason = log.take();
        throw Error(ErrorKind::kBackend,
                    "cannot load the backend " + path + ": " +
                        (reason.empty() ? "not a ggml backend of this version" : reason));
    }
    return {ggml_backend_reg_name(reg), log.take()};
}

py::typing::Dict<py::str, py::str> native_paths() {
    py::typing::Dict<py::str, py::str> paths;
    for (const auto& [library, file] : native_files()) {
        paths[to_str(library)] = path_to_str(file);
    }
    return paths;
}

std::vector<std::string> backends() {
    std::vector<std::string> names;
    for (size_t i = 0; i < ggml_backend_reg_count(); ++i) {
        names.emplace_back(ggml_backend_reg_name(ggml_backend_reg_get(i)));
    }
    return names;
}

void load_rpc_backend(const Path& file) {
    check_library(file.text);
    GilRelease release;
    open_rpc_backend(file.text);
}

std::vector<ggml_backend_dev_t> all_devices(const std::vector<std::string>& rpc_servers) {
    GilRelease release;
    std::vector<ggml_backend_dev_t> all = remote_devices(rpc_servers);
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        all.push_back(ggml_backend_dev_get(i));
    }
    return all;
}

py::typing::List<py::typing::Dict<py::str, py::object>> devices(
    const std::vector<std::string>& rpc_servers) {
    py::typing::List<py::typing::Dict<py::str, py::object>> list;
    for (ggml_backend_dev_t device : all_devices(rpc_servers)) {
        size_t memory_free = 0;
        size_t memory_total = 0;
        call_without_gil(ErrorKind::kBackend,
                         [&] { ggml_backend_dev_memory(device, &memory_free, &memory_total); });
        py::dict entry;
        entry["name"] = to_str(ggml_backend_dev_name(device));
        entry["description"] = to_str(ggml_backend_dev_description(device));
        entry["type"] = type_name(ggml_backend_dev_type(device));
        entry["backend"] = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
        entry["memory_free"] = memory_free;
        entry["memory_total"] = memory_total;
        list.append(entry);
    }
    return list;
}

void serve(const std::string& endpoint, const std::string& cache, size_t n_threads,
           const std::vector<std::string>& names) {
    std::vector<ggml_backend_dev_t> devices;
    for (const std::string& name : names) {
        devices.push_back(ggml_backend_dev_by_name(name.c_str()));
        if (devices.back() == nullptr) {
            throw Error(ErrorKind::kBackend, "there is no device named '" + name + "'");
        }
    }
    GilRelease release;
    serve_devices(endpoint, cache, n_threads, std::move(devices));
}

std::vector<uintptr_t> device_addresses(const std::vector<std::string>& names,
                                        const std::vector<std::string>& rpc_servers) {
    GilRelease release;
    std::vector<uintptr_t> addresses;
    for (ggml_backend_dev_t device : choose_devices(names, rpc_servers)) {
        addresses.push_back(reinterpret_cast<uintptr_t>(device));
    }
    return addresses;
}

std::map<std::string, int> cpu_features() {
    std::map<std::string, int> features;
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device == nullptr) {
        return features;
    }
    auto get_features =
        reinterpret_cast<ggml_backend_get_features_t>(ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(device), "ggml_backend_get_features"));
    if (get_features == nullptr) {
        return features;
    }
    for (const ggml_backend_feature* feature = get_features(ggml_backend_dev_backend_reg(device));
         feature->name != nullptr; ++feature) {
        features[feature->name] = std::atoi(feature->value);
    }
    return features;
}

void require_backends() {
    if (!has_backends()) {
        throw Error(ErrorKind::kBackend, "no compute backend is loaded; call load_backend() first");
    }
}

void backend_init() {
    require_backends();
    static std::once_flag once;
    GilRelease release;
    std::call_once(once, [] { llama_backend_init(); });
}

void numa_init(int strategy) {
    require_backends();
    if (strategy < GGML_NUMA_STRATEGY_DISABLED || strategy >= GGML_NUMA_STRATEGY_COUNT) {
        throw py::value_error(
            "numa strategy must be 0 (disabled), 1 (distribute), 2 (isolate), "
            "3 (numactl) or 4 (mirror)");
    }
    call_without_gil(ErrorKind::kBackend,
                     [&] { llama_numa_init(static_cast<ggml_numa_strategy>(strategy)); });
}

}  // namespace

void init_backend(py::module_& m) {
    m.def(
        "llama_version", [] { return std::string(llama_version()); },
        "Returns the version of llama.cpp, for instance ``0.5.0-dev``.");
    m.def(
        "ggml_version", [] { return std::string(ggml_version()); }, "Returns the version of ggml.");
    m.def(
        "llama_commit", [] { return std::string(llama_commit()); },
        "Returns the commit of llama.cpp.");
    m.def(
        "system_info", [] { return to_str(has_backends() ? llama_print_system_info() : ""); },
        "Returns one line about the loaded backends and their features; \"\" without backends.");
    m.def(
        "supports_gpu_offload", [] { return has_backends() && llama_supports_gpu_offload(); },
        "Returns whether a loaded backend can hold model layers on a GPU.");
    m.def("max_devices", &llama_max_devices,
          "Returns the greatest number of devices, and so the greatest length of tensor_split.");
    m.def("max_parallel_sequences", &llama_max_parallel_sequences,
          "Returns the greatest ContextParams.n_seq_max.");
    m.def("load_backend", &load_backend, py::arg("path"),
          R"(
          Loads a backend library and registers it.

          Args:
            path: The library.

          Returns:
            The registry's name, and the errors that the backend logged: its reason if it found no
            device.

          Raises:
            BackendError: The library cannot be loaded. The message has the loader's reason.
          )"_doc);
    m.def("native_files", &native_paths,
          "Returns the files from which llama.cpp's libraries were loaded, as name -> path.");
    m.def("backends", &backends,
          "Returns the names of the registered backends, in the order of loading.");
    m.def("load_rpc_backend", &load_rpc_backend, py::arg("path"),
          R"(
          Opens the library with the RPC backend. Further calls do nothing.

          Raises:
            BackendError: The library cannot be opened.
          )"_doc);
    m.def("serve_devices", &serve, py::arg("endpoint"), py::arg("cache"), py::arg("n_threads"),
          py::arg("devices"),
          R"(
          Serves devices to RPC clients, until the process ends; returns on failure.

          Args:
            endpoint: "address:port", an IPv4 address of this machine.
            cache: Directory for large tensors; "" for none.
            n_threads: Threads of devices that are CPUs.
            devices: Names of devices of this machine.

          Raises:
            BackendError: The RPC backend is not loaded, or there is no such device.
          )"_doc);
    m.def("devices", &devices, py::arg("rpc_servers") = std::vector<std::string>(),
          R"(
          Returns the devices of all loaded backends.

          Args:
            rpc_servers: RPC servers ("host:port"), whose devices come first.

          Returns:
            A dict per device: ``name``, ``description``, ``type`` ("cpu", "gpu", "igpu", "accel"),
            ``backend``, ``memory_free`` and ``memory_total`` (bytes).

          Raises:
            BackendError: There are `rpc_servers`, and load_rpc_backend() was not called.
            RemoteServerError: A server cannot be reached.
          )"_doc);
    m.def("device_addresses", &device_addresses, py::arg("devices"), py::arg("rpc_servers"),
          R"(
          Returns the devices of a model as addresses, for C functions.

          Args:
            devices: As ModelParams.devices.
            rpc_servers: As ModelParams.rpc_servers.

          Returns:
            A ggml_backend_dev_t each, and 0 at the end; nothing for all devices of this machine.

          Raises:
            ModelLoadError: There is no such device.
            RemoteServerError: A server cannot be reached.
          )"_doc);
    m.def("cpu_features", &cpu_features,
          R"(
          Returns the instruction sets that the loaded CPU backend was compiled for.

          Returns:
            Name -> 1; empty if no CPU backend is loaded.
          )"_doc);
    m.def("backend_init", &backend_init,
          R"(
          Initialises llama.cpp. Further calls do nothing.

          Raises:
            BackendError: No backend is loaded.
          )"_doc);
    m.def("numa_init", &numa_init, py::arg("strategy"),
          R"(
          Sets the NUMA strategy.

          Args:
            strategy: One of GGML_NUMA_STRATEGY_*.

          Raises:
            BackendError: No backend is loaded.
            ValueError: There is no such strategy.
          )"_doc);
}

}  // namespace core
