// Model: loading a GGUF file, and what it says about itself.
#include "llama_cpp/_core/model.h"

#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "ggml-backend.h"
#include "llama_cpp/_core/convert.h"
#include "llama_cpp/_core/gguf_file.h"
#include "llama_cpp/_core/gil.h"
#include "llama_cpp/_core/init.h"
#include "llama_cpp/_core/log.h"
#include "llama_cpp/_core/params_binding.h"
#include "llama_cpp/_core/shutdown.h"

namespace py = pybind11;

namespace core {
namespace {

void require_range(const char* name, int value, int least, int greatest, const char* meaning) {
    if (value < least || value > greatest) {
        throw Error(ErrorKind::kModelLoad, format("%s = %d is not one of %d..%d (%s)", name, value,
                                                  least, greatest, meaning));
    }
}

void validate(const ModelParams& params) {
    require_range("split_mode", params.plain.split_mode, LLAMA_SPLIT_MODE_NONE,
                  LLAMA_SPLIT_MODE_TENSOR, "NONE, LAYER, ROW, TENSOR");
    require_range("load_mode", params.plain.load_mode, LLAMA_LOAD_MODE_AUTO,
                  LLAMA_LOAD_MODE_DIRECT_IO, "AUTO, NONE, MMAP, MLOCK, MMAP_MLOCK, DIRECT_IO");
    if (params.tensor_split.size() > llama_max_devices()) {
        throw Error(ErrorKind::kModelLoad,
                    format("tensor_split has %zu entries; this build knows at most %zu devices",
                           params.tensor_split.size(), llama_max_devices()));
    }
}

std::vector<ggml_backend_dev_t> find_devices(const std::vector<std::string>& names) {
    std::vector<ggml_backend_dev_t> found;
    for (const std::string& name : names) {
        ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
        if (device == nullptr) {
            std::string known;
            for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
                known += std::string(i == 0 ? "" : ", ") +
                         ggml_backend_dev_name(ggml_backend_dev_get(i));
            }
            throw Error(ErrorKind::kModelLoad,
                        "there is no device named '" + name + "'; the devices are: " + known);
        }
        if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU) {
            throw Error(ErrorKind::kModelLoad,
                        "device '" + name +
                            "' is the CPU, which is always used; for the CPU alone leave `devices` "
                            "empty and set n_gpu_layers = 0");
        }
        found.push_back(device);
    }
    return found;
}

void copy_text(char (&target)[128], const std::string& text, const std::string& key,
               const char* what) {
    if (text.size() >= sizeof(target)) {
        throw Error(
            ErrorKind::kModelLoad,
            format("kv_overrides: the %s of '%s' is longer than 127 bytes", what, key.c_str()));
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

using Progress = py::typing::Optional<py::typing::Callable<bool(float)>>;

// Reports progress to Python and remembers what the callback raised until loading has stopped.
struct ProgressReport {
    py::object callback;
    std::optional<py::error_already_set> raised;
    bool cancelled = false;

    static bool report(float progress, void* user_data) {
        return static_cast<ProgressReport*>(user_data)->call(progress);
    }

    bool call(float progress) {
        if (is_exiting()) {
            return false;
        }
        py::gil_scoped_acquire gil;
        try {
            py::object answer = callback(progress);
            cancelled = !answer.is_none() && !py::bool_(answer);
            return !cancelled;
        } catch (py::error_already_set& error) {
            raised.emplace(std::move(error));
            return false;
        }
    }
};

// llama.cpp says why a file cannot be loaded, and then several times that it was not.
std::string reason_of(const std::vector<std::string>& lines) {
    static const std::string kPrefix = "error loading model: ";
    std::vector<std::string> reasons;
    for (const std::string& line : lines) {
        const size_t start = line.compare(0, kPrefix.size(), kPrefix) == 0 ? kPrefix.size() : 0;
        if (line != "failed to load model" &&
            line.find("failed to load model from") == std::string::npos) {
            reasons.push_back(line.substr(start));
        }
    }
    return join(reasons, "; ");
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw Error(ErrorKind::kModelLoad, "Failed to load model from file: " + path + ": " + reason +
                                           ". " + advice_for(reason));
}

llama_model_ptr load(const std::string& path, const llama_model_params& params) {
    LogCapture log;
    llama_model_ptr model;
    try {
        model.reset(call_native(ErrorKind::kModelLoad,
                                [&] { return llama_model_load_from_file(path.c_str(), params); }));
    } catch (const Error& error) {
        std::vector<std::string> lines = log.take_lines();
        lines.emplace_back(error.what());
        refuse(path, reason_of(lines));
    }
    if (model == nullptr) {
        refuse(path, reason_of(log.take_lines()));
    }
    return model;
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

bool may_have_learned_positions(const llama_model* model) {
    const std::string architecture = read_text([&](char* buffer, size_t size) {
        return llama_model_meta_val_str(model, "general.architecture", buffer, size);
    });
    return architecture == "bert" || architecture == "gpt2" || architecture == "mpt" ||
           architecture == "starcoder";
}

py::typing::Dict<py::str, py::str> metadata(const Model& self) {
    const auto handle = self.get();
    const llama_model* model = handle->get();
    py::typing::Dict<py::str, py::str> result;
    for (int32_t i = 0; i < llama_model_meta_count(model); ++i) {
        const std::string key = read_text([&](char* buffer, size_t size) {
            return llama_model_meta_key_by_index(model, i, buffer, size);
        });
        const std::string value = read_text([&](char* buffer, size_t size) {
            return llama_model_meta_val_str_by_index(model, i, buffer, size);
        });
        result[to_str(key)] = to_str(value);
    }
    return result;
}

py::typing::Optional<py::str> chat_template(const Model& self,
                                            const std::optional<std::string>& name) {
    const auto handle = self.get();
    const char* text =
        llama_model_chat_template(handle->get(), name.has_value() ? name->c_str() : nullptr);
    return text == nullptr ? py::object(py::none()) : py::object(to_str(text));
}

py::str description(const Model& self) {
    const auto handle = self.get();
    return to_str(read_text(
        [&](char* buffer, size_t size) { return llama_model_desc(handle->get(), buffer, size); }));
}

// A read-only property of the model. Those that need the hyperparameters are 0 for vocab_only:
// llama.cpp does not read them then, and would stop the process when asked for some.
template <typename Getter>
void def_number(ModelClass& cls, const char* name, Getter getter, const char* doc) {
    cls.def_property_readonly(
        name, [getter](const Model& self) { return getter(self.get()->get()); }, doc);
}

template <typename Getter>
void def_hyperparameter(ModelClass& cls, const char* name, Getter getter, const char* doc) {
    using Result = decltype(getter(std::declval<const llama_model*>()));
    cls.def_property_readonly(
        name,
        [getter](const Model& self) {
            const auto handle = self.get();
            return handle->has_weights() ? getter(handle->get()) : Result{};
        },
        doc);
}

using MetadataDict =
    py::typing::Dict<py::str, py::typing::Union<py::bool_, py::int_, py::float_, py::str>>;

// By hand: pybind11 would take None for False and 1.5 for 1.
std::map<std::string, MetadataValue> to_overrides(const MetadataDict& values) {
    std::map<std::string, MetadataValue> overrides;
    for (const auto& [key, value] : values) {
        const auto name = key.cast<std::string>();
        if (py::isinstance<py::bool_>(value)) {
            overrides[name] = value.cast<bool>();
        } else if (py::isinstance<py::int_>(value)) {
            overrides[name] = value.cast<int64_t>();
        } else if (py::isinstance<py::float_>(value)) {
            overrides[name] = value.cast<double>();
        } else if (py::isinstance<py::str>(value)) {
            overrides[name] = value.cast<std::string>();
        } else {
            throw py::type_error("kv_overrides['" + name + "'] must be a bool, int, float or str");
        }
    }
    return overrides;
}

void init_model_params(py::module_& m) {
    py::class_<ModelParams> cls(
        m, "ModelParams",
        "How to load a model; the defaults are llama.cpp's. Values are checked when it is used.");
    cls.def(py::init<>());
    const auto def_plain = [&cls](const char* name, auto field, const char* doc) {
        cls.def_property(
            name, [field](const ModelParams& self) { return static_cast<int>(self.plain.*field); },
            [field](ModelParams& self, int value) {
                using Field = std::remove_reference_t<decltype(self.plain.*field)>;
                self.plain.*field = static_cast<Field>(value);
            },
            doc);
    };
    const auto def_flag = [&cls](const char* name, bool llama_model_params::* field,
                                 const char* doc) {
        cls.def_property(
            name, [field](const ModelParams& self) { return self.plain.*field; },
            [field](ModelParams& self, bool value) { self.plain.*field = value; }, doc);
    };
    def_plain("n_gpu_layers", &llama_model_params::n_gpu_layers,
              "Layers to keep on the GPU; a negative number means all.");
    def_plain("split_mode", &llama_model_params::split_mode,
              "Over several GPUs: NONE 0, LAYER 1, ROW 2, TENSOR 3.");
    def_plain("main_gpu", &llama_model_params::main_gpu, "The GPU for split_mode NONE.");
    def_plain("load_mode", &llama_model_params::load_mode,
              "AUTO -1, NONE 0, MMAP 1, MLOCK 2, MMAP_MLOCK 3, DIRECT_IO 4.");
    def_flag("vocab_only", &llama_model_params::vocab_only, "Load the vocabulary, no weights.");
    def_flag("check_tensors", &llama_model_params::check_tensors,
             "Look for invalid numbers in the weights while loading.");
    def_flag("use_extra_bufts", &llama_model_params::use_extra_bufts,
             "Allow repacked weights (faster, and not memory-mapped).");
    def_flag("no_host", &llama_model_params::no_host,
             "Bypass the host buffer, so that extra buffers can be used.");
    cls.def_readwrite("tensor_split", &ModelParams::tensor_split,
                      "Share of each GPU; at most max_devices() numbers.");
    cls.def_property(
        "kv_overrides", [](const ModelParams& self) { return self.kv_overrides; },
        [](ModelParams& self, const MetadataDict& values) {
            self.kv_overrides = to_overrides(values);
        },
        "Metadata to replace; keys and text of at most 127 bytes.");
    cls.def_readwrite("devices", &ModelParams::devices,
                      "Names of the devices to offload to; empty: all.");
}

}  // namespace

ModelParams::ModelParams() : plain(llama_model_default_params()) {}

Model::Model(std::string path, const ModelParams& params, py::object progress)
    : path_(std::move(path)) {
    check_gguf_file(path_, "Model");
    validate(params);

    llama_model_params plain = params.plain;
    std::vector<ggml_backend_dev_t> devices = find_devices(params.devices);
    if (!devices.empty()) {
        devices.push_back(nullptr);
        plain.devices = devices.data();
    }
    std::vector<float> tensor_split = params.tensor_split;
    if (!tensor_split.empty()) {
        tensor_split.resize(llama_max_devices(), 0.0f);
        plain.tensor_split = tensor_split.data();
    }
    const std::vector<llama_model_kv_override> overrides = make_overrides(params.kv_overrides);
    if (overrides.size() > 1) {
        plain.kv_overrides = overrides.data();
    }
    // Always set: llama.cpp's own callback prints dots into the log.
    ProgressReport report{std::move(progress), std::nullopt};
    plain.progress_callback = [](float, void*) { return !is_exiting(); };
    if (!report.callback.is_none()) {
        plain.progress_callback = ProgressReport::report;
        plain.progress_callback_user_data = &report;
    }

    const bool has_weights = !plain.vocab_only;
    try {
        GilRelease release;
        llama_model_ptr model = load(path_, plain);
        const int32_t n_positions =
            may_have_learned_positions(model.get()) ? learned_positions(path_) : INT32_MAX;
        handle_.open(std::make_shared<ModelHandle>(std::move(model), has_weights, n_positions));
    } catch (const Error&) {
        if (report.raised.has_value()) {
            throw std::move(*report.raised);
        }
        if (report.cancelled) {
            throw Error(ErrorKind::kModelLoad, "Failed to load model from file: " + path_ +
                                                   ": the progress callback returned False");
        }
        throw;
    }
}

void Model::close() {
    GilRelease release;
    handle_.close();
}

void init_model(py::module_& m) {
    init_model_params(m);

    ModelClass cls(m, "Model", "A model file in memory. Safe to use from several threads.");
    cls.def(py::init([](std::string path, const ModelParams& params, Progress progress) {
                return make_outside_gil<Model>(std::move(path), params, std::move(progress));
            }),
            py::arg("path"), py::arg("params"), py::arg("progress") = py::none(),
            "Load a GGUF file.\n\n"
            "``progress`` gets the loaded fraction, 0 to 1; when it returns False, loading stops.\n"
            "ModelLoadError names the file, the reason and what to do.");
    cls.def("close", &Model::close,
            "Give the model up. Its memory is freed when no context, sampler or adapter made of it "
            "is left.");
    cls.def_property_readonly("closed", &Model::closed);
    cls.def_property_readonly("path", [](const Model& self) { return to_str(self.path()); });
    cls.def_property_readonly("desc", &description,
                              "Architecture, size and quantisation in a few words.");
    def_hyperparameter(cls, "n_ctx_train", &llama_model_n_ctx_train,
                       "Context length of the training.");
    def_hyperparameter(cls, "n_embd", &llama_model_n_embd, "Width of the hidden state.");
    def_hyperparameter(cls, "n_embd_out", &llama_model_n_embd_out, "Length of an embedding.");
    def_hyperparameter(cls, "n_layer", &llama_model_n_layer, "Number of layers.");
    def_hyperparameter(cls, "n_head", &llama_model_n_head, "Attention heads of the first layer.");
    def_hyperparameter(cls, "n_head_kv", &llama_model_n_head_kv,
                       "Key-value heads of the first layer.");
    def_hyperparameter(cls, "n_swa", &llama_model_n_swa,
                       "Size of the sliding attention window, 0: none.");
    def_hyperparameter(cls, "n_cls_out", &llama_model_n_cls_out,
                       "Outputs of the classification head; 1 for models without one.");
    def_hyperparameter(cls, "rope_freq_scale_train", &llama_model_rope_freq_scale_train,
                       "RoPE frequency scale of the training.");
    def_number(
        cls, "rope_type",
        [](const llama_model* model) { return static_cast<int>(llama_model_rope_type(model)); },
        "LLAMA_ROPE_TYPE_*; -1: none.");
    def_number(
        cls, "ftype",
        [](const llama_model* model) { return static_cast<int>(llama_model_ftype(model)); },
        "Quantisation of the file, LLAMA_FTYPE_*.");
    def_number(cls, "n_params", &llama_model_n_params, "Number of weights.");
    def_number(cls, "size", &llama_model_size, "Bytes of all tensors.");
    def_number(cls, "has_encoder", &llama_model_has_encoder,
               "Whether encode() comes before decoding.");
    def_number(cls, "has_decoder", &llama_model_has_decoder, "Whether it can generate.");
    def_number(cls, "is_recurrent", &llama_model_is_recurrent, "Mamba, RWKV and the like.");
    def_number(cls, "is_hybrid", &llama_model_is_hybrid, "Attention and recurrent layers.");
    def_number(cls, "is_diffusion", &llama_model_is_diffusion, "Diffusion language model.");
    def_number(cls, "decoder_start_token", &llama_model_decoder_start_token,
               "First token of the decoder of an encoder-decoder model, else -1.");
    cls.def("metadata", &metadata, "The scalar metadata of the file, as text.");
    cls.def("chat_template", &chat_template, py::arg("name") = py::none(),
            "The Jinja chat template of that name (None: the default one), or None.");
    bind_vocab(cls);
}

}  // namespace core
