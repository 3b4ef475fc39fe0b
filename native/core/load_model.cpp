#include "native/core/load_model.h"

#include <algorithm>
#include <cstring>
#include <regex>
#include <utility>

#include "ggml-backend.h"
#include "native/core/gguf_file.h"
#include "native/core/interrupt.h"
#include "native/core/load_failure.h"
#include "native/core/log.h"
#include "native/core/remote_devices.h"
#include "native/core/shutdown.h"

namespace core {
namespace {

void require_one_of(const char* name, int value, int least, int greatest, const char* names) {
    if (value < least || value > greatest) {
        throw Error(ErrorKind::kModelLoad, format("%s = %d is not one of %d..%d (%s)", name, value,
                                                  least, greatest, names));
    }
}

// std::regex takes a part of the stack for each character of a pattern.
constexpr size_t kLongestPattern = 4096;

void validate(const ModelParams& params) {
    require_one_of("split_mode", params.plain.split_mode, LLAMA_SPLIT_MODE_NONE,
                   LLAMA_SPLIT_MODE_TENSOR, "NONE, LAYER, ROW, TENSOR");
    require_one_of("load_mode", params.plain.load_mode, LLAMA_LOAD_MODE_AUTO,
                   LLAMA_LOAD_MODE_DIRECT_IO, "AUTO, NONE, MMAP, MLOCK, MMAP_MLOCK, DIRECT_IO");
    require_one_of("lazy_mode", params.plain.lazy_mode, LLAMA_LAZY_MODE_OFF, LLAMA_LAZY_MODE_ON,
                   "OFF, AUTO, ON");
    if (params.tensor_split.size() > llama_max_devices()) {
        throw Error(ErrorKind::kModelLoad,
                    format("tensor_split has %zu entries; this build knows at most %zu devices",
                           params.tensor_split.size(), llama_max_devices()));
    }
}

using Devices = std::vector<ggml_backend_dev_t>;

Devices all_devices(Devices remote) {
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        remote.push_back(ggml_backend_dev_get(i));
    }
    return remote;
}

// Returns the names that `name` has for the devices; it may return null.
template <typename Name>
std::string names_of(const Devices& devices, Name name) {
    std::vector<std::string> names;
    for (ggml_backend_dev_t device : devices) {
        const char* const found = name(device);
        if (found != nullptr) {
            names.emplace_back(found);
        }
    }
    return join(names, ", ");
}

ggml_backend_dev_t find_device(const std::string& name, const Devices& all) {
    const auto found = std::find_if(all.begin(), all.end(), [&](ggml_backend_dev_t each) {
        return name == ggml_backend_dev_name(each);
    });
    if (found == all.end()) {
        throw Error(ErrorKind::kModelLoad,
                    "devices: there is no device named '" + name +
                        "'\nThe devices are: " + names_of(all, ggml_backend_dev_name));
    }
    ggml_backend_dev_t device = *found;
    if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU) {
        throw Error(ErrorKind::kModelLoad,
                    "devices: '" + name +
                        "' is the CPU, which is always used\nFor the CPU alone set devices to '" +
                        kNoDevice + "'.");
    }
    return device;
}

// Returns an array that ends with null, empty for all devices of this machine.
Devices find_devices(const std::vector<std::string>& names, const Devices& remote) {
    if (names == std::vector<std::string>{kNoDevice}) {
        return {nullptr};
    }
    Devices found;
    if (names.empty() && !remote.empty()) {
        found = with_local_devices(remote);
    }
    for (const std::string& name : names) {
        found.push_back(find_device(name, all_devices(remote)));
        if (std::find(found.begin(), found.end() - 1, found.back()) != found.end() - 1) {
            throw Error(ErrorKind::kModelLoad, "devices: '" + name + "' is named twice");
        }
    }
    if (!found.empty()) {
        found.push_back(nullptr);
    }
    return found;
}

// A remote device asks its server.
ggml_backend_buffer_type_t buffer_type_of(ggml_backend_dev_t device) {
    return call_native(ErrorKind::kModelLoad, [&] { return ggml_backend_dev_buffer_type(device); });
}

const char* buffer_type_name(ggml_backend_dev_t device) {
    ggml_backend_buffer_type_t type = buffer_type_of(device);
    return type == nullptr ? nullptr : ggml_backend_buft_name(type);
}

ggml_backend_buffer_type_t find_buffer_type(const std::string& name, const Devices& all) {
    for (ggml_backend_dev_t device : all) {
        const char* const found = buffer_type_name(device);
        if (found != nullptr && name == found) {
            return buffer_type_of(device);
        }
    }
    throw Error(ErrorKind::kModelLoad,
                "tensor_buft_overrides: there is no buffer type named '" + name +
                    "'\nThe buffer types are: " + names_of(all, buffer_type_name));
}

// llama.cpp compiles it for each tensor.
void check_pattern(const std::string& pattern) {
    if (pattern.size() > kLongestPattern || pattern.find('\0') != std::string::npos) {
        throw Error(ErrorKind::kModelLoad,
                    format("tensor_buft_overrides: a pattern has %zu characters, or a NUL; at most "
                           "%zu are taken",
                           pattern.size(), kLongestPattern));
    }
    try {
        const std::regex compiled(pattern);
    } catch (const std::regex_error& error) {
        throw Error(ErrorKind::kModelLoad, "tensor_buft_overrides: '" + pattern +
                                               "' is not a regular expression: " + error.what());
    }
}

// Returns an array that ends with an entry of null, or nothing. It points into `patterns`.
std::vector<llama_model_tensor_buft_override> make_tensor_overrides(
    const std::vector<std::pair<std::string, std::string>>& patterns,
    std::vector<llama_model_tensor_buft_override> overrides, const Devices& remote) {
    for (const auto& [pattern, buffer_type] : patterns) {
        check_pattern(pattern);
        overrides.push_back({pattern.c_str(), find_buffer_type(buffer_type, all_devices(remote))});
    }
    if (overrides.size() >= llama_max_tensor_buft_overrides()) {
        throw Error(ErrorKind::kModelLoad,
                    format("tensor_buft_overrides has %zu entries; at most %zu are taken",
                           overrides.size(), llama_max_tensor_buft_overrides() - 1));
    }
    if (!overrides.empty()) {
        overrides.push_back({nullptr, nullptr});
    }
    return overrides;
}

void copy_text(char (&target)[128], const std::string& text, const std::string& key,
               const char* part) {
    if (text.size() >= sizeof(target)) {
        throw Error(
            ErrorKind::kModelLoad,
            format("kv_overrides: the %s of '%s' is longer than 127 bytes", part, key.c_str()));
    }
    std::memcpy(target, text.c_str(), text.size() + 1);
}

struct SetOverride {
    llama_model_kv_override& entry;
    const std::string& key;

    void operator()(bool value) const {
        entry.tag = LLAMA_KV_OVERRIDE_TYPE_BOOL;
        entry.val_bool = value;
    }
    void operator()(int64_t value) const {
        entry.tag = LLAMA_KV_OVERRIDE_TYPE_INT;
        entry.val_i64 = value;
    }
    void operator()(double value) const {
        entry.tag = LLAMA_KV_OVERRIDE_TYPE_FLOAT;
        entry.val_f64 = value;
    }
    void operator()(const std::string& value) const {
        entry.tag = LLAMA_KV_OVERRIDE_TYPE_STR;
        copy_text(entry.val_str, value, key, "value");
    }
};

// llama.cpp takes an array that ends with an entry of empty key.
std::vector<llama_model_kv_override> make_overrides(
    const std::map<std::string, MetadataValue>& values) {
    std::vector<llama_model_kv_override> overrides;
    for (const auto& [key, value] : values) {
        llama_model_kv_override entry{};
        copy_text(entry.key, key, key, "key");
        std::visit(SetOverride{entry, key}, value);
        overrides.push_back(entry);
    }
    overrides.emplace_back();
    return overrides;
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw Error(ErrorKind::kModelLoad,
                "Failed to load model from file: " + path + ": " + explain_failure(path, reason));
}

llama_model_ptr load(const std::string& path, const llama_model_params& params) {
    LogCapture log;
    llama_model_ptr model;
    try {
        model.reset(call_native(ErrorKind::kModelLoad,
                                [&] { return llama_model_load_from_file(path.c_str(), params); }));
    } catch (const Error& error) {
        pass_on_lost_server(error);
        std::vector<std::string> lines = log.take_lines();
        lines.emplace_back(error.what());
        refuse(path, reason_of(lines));
    }
    if (model == nullptr) {
        refuse(path, reason_of(log.take_lines()));
    }
    return model;
}

bool may_have_learned_positions(const llama_model* model) {
    const std::string architecture = read_text([&](char* buffer, size_t size) {
        return llama_model_meta_val_str(model, "general.architecture", buffer, size);
    });
    return architecture == "bert" || architecture == "gpt2" || architecture == "mpt" ||
           architecture == "starcoder";
}

// Always set: llama.cpp's own callback prints dots into the log.
bool report_progress(float fraction, void* user_data) {
    const auto& progress = *static_cast<const LoadProgress*>(user_data);
    return !is_exiting() && !interrupt_requested() && (!progress || progress(fraction));
}

}  // namespace

ModelParams::ModelParams() : plain(llama_model_default_params()) {}

NativeModelParams::NativeModelParams(const ModelParams& params, const LoadProgress& progress)
    : plain(params.plain),
      tensor_split_(params.tensor_split),
      overrides_(make_overrides(params.kv_overrides)),
      patterns_(params.tensor_buft_overrides) {
    validate(params);
    const Devices remote = remote_devices(params.rpc_servers);
    devices_ = find_devices(params.devices, remote);
    if (!devices_.empty()) {
        plain.devices = devices_.data();
    }
    tensor_overrides_ = make_tensor_overrides(patterns_, params.fitted_overrides, remote);
    if (!tensor_split_.empty()) {
        tensor_split_.resize(llama_max_devices(), 0.0f);
        plain.tensor_split = tensor_split_.data();
    }
    if (overrides_.size() > 1) {
        plain.kv_overrides = overrides_.data();
    }
    if (!tensor_overrides_.empty()) {
        plain.tensor_buft_overrides = tensor_overrides_.data();
    }
    plain.progress_callback = report_progress;
    plain.progress_callback_user_data = const_cast<LoadProgress*>(&progress);
}

std::vector<ggml_backend_dev_t> choose_devices(const std::vector<std::string>& names,
                                               const std::vector<std::string>& rpc_servers) {
    return find_devices(names, remote_devices(rpc_servers));
}

std::unique_ptr<ModelHandle> load_model(const std::string& path, const ModelParams& params,
                                        const LoadProgress& progress) {
    check_gguf_file(path, "Model");
    const NativeModelParams native(params, progress);
    llama_model_ptr model = load(path, native.plain);
    const int32_t n_positions =
        may_have_learned_positions(model.get()) ? learned_positions(path) : INT32_MAX;
    return std::make_unique<ModelHandle>(std::move(model), !native.plain.vocab_only, n_positions);
}

std::string read_text(const std::function<int32_t(char*, size_t)>& read) {
    const int32_t size = read(nullptr, 0);
    if (size <= 0) {
        return {};
    }
    std::string text(static_cast<size_t>(size), '\0');
    read(text.data(), text.size() + 1);
    return text;
}

}  // namespace core
