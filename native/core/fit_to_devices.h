// The layers of a model that fit into the memory of the accelerators.
#ifndef NATIVE_CORE_FIT_TO_DEVICES_H_
#define NATIVE_CORE_FIT_TO_DEVICES_H_

#include <cstddef>
#include <string>

#include "llama.h"
#include "native/core/load_model.h"

namespace core {

// Returns the parameters with n_gpu_layers, and others where necessary, such that the model and a
// context of it fit into the free memory of the devices: everything if that fits, else as many
// layers as fit. Nothing is allocated on the devices. `params` must leave n_gpu_layers,
// tensor_split and split_mode as they are by default, `context` is as the context will be created.
// `reserved_bytes` of the first device's memory are left free beyond the margin of every device.
//
// Fails with ModelLoadError or ContextError, as loading and creating would.
ModelParams fit_to_devices(const std::string& path, const ModelParams& params,
                           const llama_context_params& context, size_t reserved_bytes = 0);

}  // namespace core

#endif  // NATIVE_CORE_FIT_TO_DEVICES_H_
