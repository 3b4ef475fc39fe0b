// A CPU variant with a layout of weights that it cannot compute with: it takes every matrix when a
// model is loaded, and refuses those with many rows when they are used. The rest is done by the
// real variant beside it, libreal.so.
#include <dlfcn.h>

#include <string>

#include "ggml-backend.h"
#include "ggml/src/ggml-backend-impl.h"

namespace {

// More than the loader's probe tries, and less than the vocabulary of the tests' model.
constexpr int64_t kMostRows = 1000;

void* real(const char* symbol) {
    static void* library = dlopen("libreal.so", RTLD_NOW | RTLD_LOCAL);
    return dlsym(library, symbol);
}

ggml_backend_device_i g_real_device;
ggml_backend_reg_i g_real_registry;

ggml_backend_buffer_t allocate(ggml_backend_buffer_type_t type, size_t size) {
    ggml_backend_buffer_t buffer =
        ggml_backend_buft_alloc_buffer(g_real_device.get_buffer_type(type->device), size);
    buffer->buft = type;
    return buffer;
}

ggml_backend_buffer_type* unsound_type(ggml_backend_dev_t device) {
    static ggml_backend_buffer_type type{};
    type.iface.get_name = [](ggml_backend_buffer_type_t) { return "UNSOUND"; };
    type.iface.alloc_buffer = allocate;
    type.iface.get_alignment = [](ggml_backend_buffer_type_t) -> size_t { return 64; };
    type.device = device;
    return &type;
}

bool is_unsound(ggml_backend_dev_t device, const ggml_tensor* weight) {
    return weight && weight->buffer && weight->buffer->buft == unsound_type(device);
}

bool supports_op(ggml_backend_dev_t device, const ggml_tensor* operation) {
    const ggml_tensor* weight = operation->src[0];
    if (!is_unsound(device, weight)) {
        return g_real_device.supports_op(device, operation);
    }
    const bool is_loading = weight->buffer->size == 0;
    return operation->op == GGML_OP_MUL_MAT && (is_loading || weight->ne[1] <= kMostRows);
}

bool supports_buffer_type(ggml_backend_dev_t device, ggml_backend_buffer_type_t type) {
    return type == unsound_type(device) || g_real_device.supports_buft(device, type);
}

ggml_backend_buffer_type_t* extra_buffer_types(ggml_backend_dev_t device) {
    static ggml_backend_buffer_type_t types[] = {unsound_type(device), nullptr};
    return types;
}

void* get_address(ggml_backend_reg_t registry, const char* name) {
    if (std::string(name) == "ggml_backend_dev_get_extra_bufts") {
        return reinterpret_cast<void*>(extra_buffer_types);
    }
    return g_real_registry.get_proc_address(registry, name);
}

ggml_backend_reg_t changed(ggml_backend_reg_t registry) {
    ggml_backend_dev_t device = ggml_backend_reg_dev_get(registry, 0);
    g_real_registry = registry->iface;
    g_real_device = device->iface;
    registry->iface.get_proc_address = get_address;
    device->iface.supports_op = supports_op;
    device->iface.supports_buft = supports_buffer_type;
    return registry;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init() {
    static ggml_backend_reg_t registry =
        changed(reinterpret_cast<ggml_backend_reg_t (*)()>(real("ggml_backend_init"))());
    return registry;
}

extern "C" __attribute__((visibility("default"))) int ggml_backend_score() {
    return reinterpret_cast<int (*)()>(real("ggml_backend_score"))();
}
