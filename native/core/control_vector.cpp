#include "native/core/control_vector.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>
#include <memory>

#include "ggml.h"
#include "gguf.h"
#include "native/core/errors.h"
#include "native/core/gguf_file.h"
#include "native/core/log.h"

namespace core {
namespace {

constexpr const char* kPrefix = "direction.";

// Far more layers than a model has (LLAMA_MAX_LAYERS is 512).
constexpr size_t kMostDigits = 6;

struct FreeTensors {
    void operator()(ggml_context* context) const { ggml_free(context); }
};
struct FreeFile {
    void operator()(gguf_context* file) const { gguf_free(file); }
};

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw Error(ErrorKind::kModelLoad,
                "Failed to load control vector from file: " + path + ": " + reason +
                    "\nGive a file that llama.cpp's cvector-generator or repeng has written.");
}

// The layer that a tensor's name gives, 0 if it gives none.
int32_t layer_of(const std::string& name) {
    const std::string prefix = kPrefix;
    if (name.compare(0, prefix.size(), prefix) != 0) {
        return 0;
    }
    const std::string digits = name.substr(prefix.size());
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (digits.empty() || digits.size() > kMostDigits ||
        !std::all_of(digits.begin(), digits.end(), is_digit)) {
        return 0;
    }
    return std::stoi(digits);
}

struct File {
    std::unique_ptr<gguf_context, FreeFile> header;
    std::unique_ptr<ggml_context, FreeTensors> tensors;
};

File open_file(const std::string& path, bool with_data) {
    LogCapture log;
    ggml_context* tensors = nullptr;
    gguf_context* header = call_native(ErrorKind::kModelLoad, [&] {
        return gguf_init_from_file(path.c_str(), {/*no_alloc=*/!with_data, &tensors});
    });
    File file{std::unique_ptr<gguf_context, FreeFile>(header),
              std::unique_ptr<ggml_context, FreeTensors>(tensors)};
    if (header == nullptr) {
        refuse(path, log.take());
    }
    return file;
}

std::vector<const ggml_tensor*> tensors_of(const File& file) {
    std::vector<const ggml_tensor*> tensors;
    for (int64_t i = 0; i < gguf_get_n_tensors(file.header.get()); ++i) {
        tensors.push_back(
            ggml_get_tensor(file.tensors.get(), gguf_get_tensor_name(file.header.get(), i)));
    }
    return tensors;
}

// Fails for other files: a model is refused before its data is read.
void check(const std::string& path, const File& file) {
    const std::vector<const ggml_tensor*> tensors = tensors_of(file);
    if (tensors.empty()) {
        refuse(path, "it has no tensors");
    }
    size_t end = gguf_get_data_offset(file.header.get());
    for (const ggml_tensor* tensor : tensors) {
        const std::string name = ggml_get_name(tensor);
        if (layer_of(name) == 0) {
            refuse(path, "the tensor '" + name + "' is not named direction.<layer>, from 1 on");
        }
        if (tensor->type != GGML_TYPE_F32 || ggml_n_dims(tensor) != 1) {
            refuse(path, "the tensor '" + name + "' is not a row of float32 numbers");
        }
        if (tensor->ne[0] != tensors[0]->ne[0]) {
            refuse(path, format("the tensor '%s' has %lld numbers, the first one %lld",
                                name.c_str(), static_cast<long long>(tensor->ne[0]),
                                static_cast<long long>(tensors[0]->ne[0])));
        }
        end += ggml_nbytes(tensor);
    }
    if (end > std::filesystem::file_size(std::filesystem::u8path(path))) {
        refuse(path, "it is cut short");
    }
}

}  // namespace

std::map<int32_t, std::vector<float>> read_control_vector(const std::string& path) {
    check_gguf_file(path, "Control vector");
    check(path, open_file(path, /*with_data=*/false));
    const File file = open_file(path, /*with_data=*/true);
    std::map<int32_t, std::vector<float>> directions;
    for (const ggml_tensor* tensor : tensors_of(file)) {
        const float* const values = ggml_get_data_f32(tensor);
        std::vector<float>& direction = directions[layer_of(ggml_get_name(tensor))];
        direction.resize(static_cast<size_t>(tensor->ne[0]), 0.0f);
        std::transform(direction.begin(), direction.end(), values, direction.begin(),
                       std::plus<float>());
    }
    return directions;
}

}  // namespace core
