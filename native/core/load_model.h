// Loading a model file.
#ifndef NATIVE_CORE_LOAD_MODEL_H_
#define NATIVE_CORE_LOAD_MODEL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "llama.h"
#include "native/core/handles.h"

namespace core {

using MetadataValue = std::variant<bool, int64_t, double, std::string>;

struct ModelParams {
    ModelParams();

    llama_model_params plain;  // the fields without pointers; those are made of the members below
    std::vector<float> tensor_split;
    std::map<std::string, MetadataValue> kv_overrides;
    std::vector<std::string> devices;      // empty: all; kNoDevice alone: none
    std::vector<std::string> rpc_servers;  // "host:port", whose devices there are beside the others
    // Pattern of tensor names -> name of a buffer type. The first that fits counts.
    std::vector<std::pair<std::string, std::string>> tensor_buft_overrides;
    // The same as set by fit_to_devices(), patterns of constant text.
    std::vector<llama_model_tensor_buft_override> fitted_overrides;
};

// As llama.cpp's programs call it.
constexpr const char* kNoDevice = "none";

// Gets the loaded fraction, 0 to 1; when it returns false, loading stops.
using LoadProgress = std::function<bool(float)>;

// llama.cpp's own form of the parameters, whose pointers lead into this object and `progress`.
// Fails with ModelLoadError for values that llama.cpp does not check, and as remote_devices() does.
class NativeModelParams {
  public:
    NativeModelParams(const ModelParams& params, const LoadProgress& progress);
    NativeModelParams(const NativeModelParams&) = delete;
    NativeModelParams& operator=(const NativeModelParams&) = delete;

    llama_model_params plain;

  private:
    std::vector<ggml_backend_dev_t> devices_;
    std::vector<float> tensor_split_;
    std::vector<llama_model_kv_override> overrides_;
    std::vector<std::pair<std::string, std::string>> patterns_;
    std::vector<llama_model_tensor_buft_override> tensor_overrides_;
};

// Returns the devices of ModelParams.devices and rpc_servers as llama.cpp takes them: an array that
// ends with null, empty for all devices of this machine. Fails as NativeModelParams does.
std::vector<ggml_backend_dev_t> choose_devices(const std::vector<std::string>& names,
                                               const std::vector<std::string>& rpc_servers);

// Fails with ModelLoadError, which names the file, the reason and a remedy. `progress` may be
// empty.
std::unique_ptr<ModelHandle> load_model(const std::string& path, const ModelParams& params,
                                        const LoadProgress& progress);

// Returns the text that llama.cpp writes into a buffer; `read` returns its length.
std::string read_text(const std::function<int32_t(char*, size_t)>& read);

}  // namespace core

#endif  // NATIVE_CORE_LOAD_MODEL_H_
