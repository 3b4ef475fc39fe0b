// A backend for tests, which is whatever the environment says:
//
//   STAND_IN_INIT       null: refuses to start; old: has the API of an older ggml
//   STAND_IN_COMPLAINT  text that it logs as an error when it starts
//   STAND_IN_MEMORY     free memory of its devices in bytes, one number per device; no device
//   without
//
// Its devices are GPUs for llama.cpp, with memory that is the host's, and the CPU backend computes.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml/src/ggml-backend-impl.h"
#include "ggml/src/ggml-impl.h"

namespace {

struct DeviceContext {
    std::string name;
    size_t memory;
    ggml_backend_buffer_type buffer_type;
};

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

DeviceContext& context_of(ggml_backend_dev_t device) {
    return *static_cast<DeviceContext*>(device->context);
}

// ---- memory: the CPU's, under another type, so that llama.cpp takes it for a device's

const char* buffer_type_name(ggml_backend_buffer_type_t type) {
    return context_of(type->device).name.c_str();
}

ggml_backend_buffer_t allocate(ggml_backend_buffer_type_t type, size_t size) {
    ggml_backend_buffer_t buffer =
        ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size);
    if (buffer != nullptr) {
        buffer->buft = type;
    }
    return buffer;
}

size_t alignment(ggml_backend_buffer_type_t) { return 64; }

// ---- computing: by the CPU backend, which ggml has in its registry

ggml_backend_t new_cpu_backend() {
    void* ggml = dlopen("libllama_cpp_python-ggml.so", RTLD_NOW | RTLD_NOLOAD);
    using InitByType = ggml_backend_t (*)(enum ggml_backend_dev_type, const char*);
    auto init = reinterpret_cast<InitByType>(dlsym(ggml, "ggml_backend_init_by_type"));
    return init(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
}

ggml_backend_t cpu_of(ggml_backend_t backend) {
    return static_cast<ggml_backend_t>(backend->context);
}

void free_backend(ggml_backend_t backend) {
    ggml_backend_free(cpu_of(backend));
    delete backend;
}

ggml_guid_t guid() {
    static ggml_guid value = {'s', 't', 'a', 'n', 'd', '-', 'i', 'n'};
    return &value;
}

ggml_backend_t new_backend(ggml_backend_dev_t device, const char*) {
    ggml_backend_i functions{};
    functions.get_name = [](ggml_backend_t backend) {
        return context_of(backend->device).name.c_str();
    };
    functions.free = free_backend;
    functions.graph_compute = [](ggml_backend_t backend, ggml_cgraph* graph) {
        return ggml_backend_graph_compute(cpu_of(backend), graph);
    };
    return new ggml_backend{guid(), functions, device, new_cpu_backend()};
}

// ---- devices

ggml_backend_device_i device_functions() {
    ggml_backend_device_i functions{};
    functions.get_name = [](ggml_backend_dev_t device) { return context_of(device).name.c_str(); };
    functions.get_description = [](ggml_backend_dev_t) { return "not a real GPU"; };
    functions.get_memory = [](ggml_backend_dev_t device, size_t* free, size_t* total) {
        *free = context_of(device).memory;
        *total = 2 * *free;
    };
    functions.get_type = [](ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; };
    functions.get_props = [](ggml_backend_dev_t device, ggml_backend_dev_props* props) {
        *props = {};
        props->name = ggml_backend_dev_name(device);
        props->description = ggml_backend_dev_description(device);
        props->type = GGML_BACKEND_DEVICE_TYPE_GPU;
        ggml_backend_dev_memory(device, &props->memory_free, &props->memory_total);
    };
    functions.init_backend = new_backend;
    functions.get_buffer_type = [](ggml_backend_dev_t device) {
        return &context_of(device).buffer_type;
    };
    functions.supports_op = [](ggml_backend_dev_t, const ggml_tensor*) { return true; };
    functions.supports_buft = [](ggml_backend_dev_t device, ggml_backend_buffer_type_t type) {
        return type->device == device;
    };
    return functions;
}

ggml_backend_dev_t new_device(ggml_backend_reg_t registry, size_t index, size_t memory) {
    auto* context = new DeviceContext{"StandIn" + std::to_string(index), memory, {}};
    auto* device = new ggml_backend_device{device_functions(), registry, context};
    context->buffer_type.iface.get_name = buffer_type_name;
    context->buffer_type.iface.alloc_buffer = allocate;
    context->buffer_type.iface.get_alignment = alignment;
    context->buffer_type.device = device;
    return device;
}

std::vector<ggml_backend_dev_t>& devices() {
    static std::vector<ggml_backend_dev_t> list;
    return list;
}

ggml_backend_reg_t new_registry() {
    ggml_backend_reg_i functions{};
    functions.get_name = [](ggml_backend_reg_t) { return "StandIn"; };
    functions.get_device_count = [](ggml_backend_reg_t) { return devices().size(); };
    functions.get_device = [](ggml_backend_reg_t, size_t index) { return devices()[index]; };
    const int version = variable("STAND_IN_INIT") == "old" ? 1 : GGML_BACKEND_API_VERSION;
    auto* registry = new ggml_backend_reg{version, functions, nullptr};
    std::istringstream numbers(variable("STAND_IN_MEMORY"));
    for (size_t memory = 0; numbers >> memory;) {
        devices().push_back(new_device(registry, devices().size(), memory));
    }
    return registry;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init() {
    const std::string complaint = variable("STAND_IN_COMPLAINT");
    if (!complaint.empty()) {
        GGML_LOG_ERROR("%s: %s\n", __func__, complaint.c_str());
    }
    return variable("STAND_IN_INIT") == "null" ? nullptr : new_registry();
}
