#include "native/core/fit_to_devices.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "../src/llama-ext.h"
#include "fit.h"
#include "native/core/context_params.h"
#include "native/core/log.h"

namespace core {
namespace {

// Left free on every device, as llama.cpp's programs do: other programs and the driver need some.
constexpr size_t kMargin = size_t{1} << 30;

// The size of the context is the caller's; llama.cpp would make it smaller.
constexpr uint32_t kKeepContext = UINT32_MAX;

// Returns how much of the first device's memory can be reserved beyond the margin. With more than
// that, llama.cpp would try each number of layers before it takes none.
size_t reservable_bytes(const ModelHandle& model) {
    if (llama_model_n_devices(model.get()) == 0) {
        return 0;
    }
    size_t free = 0;
    size_t total = 0;
    call_native(ErrorKind::kModelLoad, [&] {
        ggml_backend_dev_memory(llama_model_get_device(model.get(), 0), &free, &total);
    });
    return free > kMargin ? free - kMargin : 0;
}

// Refuses parameters for which an assertion of llama.cpp would fail; returns the model without its
// weights.
std::unique_ptr<ModelHandle> validate(const std::string& path, const ModelParams& params,
                                      const llama_context_params& context) {
    ModelParams simulated = params;
    simulated.plain.no_alloc = true;
    simulated.plain.load_mode = LLAMA_LOAD_MODE_NONE;
    std::unique_ptr<ModelHandle> model = load_model(path, simulated, {});
    validate_context_params(*model, context);
    return model;
}

ModelParams fitted(const ModelParams& params, const llama_model_params& plain,
                   const std::vector<float>& tensor_split) {
    ModelParams result = params;
    result.plain.n_gpu_layers = plain.n_gpu_layers;
    const auto is_set = [](float share) { return share != 0.0f; };
    if (std::any_of(tensor_split.begin(), tensor_split.end(), is_set)) {
        result.tensor_split = tensor_split;
    }
    for (const llama_model_tensor_buft_override* entry = plain.tensor_buft_overrides;
         entry != nullptr && entry->pattern != nullptr; ++entry) {
        result.fitted_overrides.push_back(*entry);
    }
    return result;
}

}  // namespace

ModelParams fit_to_devices(const std::string& path, const ModelParams& params,
                           const llama_context_params& context, size_t reserved_bytes) {
    // llama.cpp builds its patterns on first use, without a lock. Recursive: a signal handler may
    // load a model.
    static std::recursive_mutex mutex;
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    const LogErrorsOnly quiet;
    const size_t reservable = reservable_bytes(*validate(path, params, context));

    const LoadProgress no_progress;
    NativeModelParams native(params, no_progress);
    llama_context_params context_params = context;
    std::vector<float> tensor_split(llama_max_devices(), 0.0f);
    std::vector<llama_model_tensor_buft_override> overrides(llama_max_tensor_buft_overrides());
    std::vector<size_t> margins(llama_max_devices(), kMargin);
    margins.front() += std::min(reserved_bytes, reservable);
    LogCapture log;
    const common_params_fit_status status = call_native(ErrorKind::kModelLoad, [&] {
        return common_fit_params(path.c_str(), &native.plain, &context_params, tensor_split.data(),
                                 overrides.data(), margins.data(), kKeepContext, nullptr,
                                 GGML_LOG_LEVEL_ERROR);
    });
    if (status != COMMON_PARAMS_FIT_STATUS_SUCCESS) {
        const std::string reason = log.take();
        throw Error(ErrorKind::kModelLoad, "llama.cpp cannot tell how many layers of " + path +
                                               " fit on the GPU" +
                                               (reason.empty() ? "" : " (" + reason + ")") +
                                               ": set n_gpu_layers to a number");
    }
    return fitted(params, native.plain, tensor_split);
}

}  // namespace core
