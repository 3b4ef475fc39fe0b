// The Python classes ModelParams and Model: loading a GGUF file, and its metadata.
#include "native/binding/model/model.h"

#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <functional>
#include <optional>
#include <utility>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/params.h"

namespace py = pybind11;

namespace core {
namespace {

using Progress = py::typing::Optional<py::typing::Callable<bool(float)>>;

// Reports progress to Python and keeps the callback's exception until loading has stopped.
struct ProgressReport {
    py::object callback;
    std::optional<py::error_already_set> raised;
    bool cancelled = false;

    bool call(float progress) {
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

// A read-only property of the model. Properties of the hyperparameters are 0 for vocab_only:
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

// pybind11's own conversion would take None for False and 1.5 for 1.
std::map<std::string, MetadataValue> to_overrides(const MetadataDict& values) {
    std::map<std::string, MetadataValue> overrides;
    const py::scoped_critical_section lock(values);  // nobody changes it meanwhile
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
        "How to load a model. Defaults are llama.cpp's; values are checked when it is used.");
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
              "Layers to keep on the GPU; a negative number: all.");
    def_plain("split_mode", &llama_model_params::split_mode,
              "How to use several GPUs, LLAMA_SPLIT_MODE_*.");
    def_plain("main_gpu", &llama_model_params::main_gpu, "The GPU for LLAMA_SPLIT_MODE_NONE.");
    def_plain("load_mode", &llama_model_params::load_mode,
              "How to read the file, LLAMA_LOAD_MODE_*.");
    def_plain("lazy_mode", &llama_model_params::lazy_mode,
              "Whether tables are read when they are needed, LLAMA_LAZY_MODE_*.");
    def_flag("vocab_only", &llama_model_params::vocab_only,
             "Whether to load the vocabulary alone, without weights.");
    def_flag("check_tensors", &llama_model_params::check_tensors,
             "Whether to look for invalid numbers in the weights.");
    def_flag("use_extra_bufts", &llama_model_params::use_extra_bufts,
             "Whether weights may be repacked: faster, and not memory-mapped.");
    def_flag("no_host", &llama_model_params::no_host,
             "Whether to bypass the host buffer, so that extra buffers can be used.");
    def_flag("load_mtp", &llama_model_params::load_mtp,
             "Whether to load the layers that predict several tokens.");
    def_container(cls, "tensor_split", &ModelParams::tensor_split,
                  "Share of each GPU; at most max_devices() numbers.");
    def_guarded<ModelParams, MetadataDict>(
        cls, "kv_overrides", [](const ModelParams& self) { return self.kv_overrides; },
        [](ModelParams& self, const MetadataDict& values) {
            self.kv_overrides = to_overrides(values);
        },
        "Metadata to replace; keys and text of at most 127 bytes.");
    def_container(cls, "devices", &ModelParams::devices,
                  "Names of the devices to offload to; empty: all; [\"none\"]: none.");
    def_container(
        cls, "rpc_servers", &ModelParams::rpc_servers,
        "RPC servers (\"host:port\") whose devices there are beside those of this machine.");
    def_container(
        cls, "tensor_buft_overrides", &ModelParams::tensor_buft_overrides,
        "Regular expressions of tensor names, each with a buffer type; the first counts.");
}

}  // namespace

Model::Model(std::string path, const ModelParams& params, py::object progress)
    : path_(std::move(path)) {
    ProgressReport report{std::move(progress), std::nullopt};
    LoadProgress native_progress;
    if (!report.callback.is_none()) {
        native_progress = [&report](float fraction) { return report.call(fraction); };
    }
    try {
        GilRelease release;
        handle_.open(share_outside_gil(load_model(path_, params, native_progress)));
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
    cls.def(py::init([](Path path, const CopyOf<ModelParams>& copy, Progress progress) {
                return make_outside_gil<Model>(std::move(path.text), copy.params,
                                               std::move(progress));
            }),
            py::arg("path"), py::arg("params"), py::arg("progress") = py::none(),
            R"(
            Loads a GGUF file.

            Args:
              path: The file, or the first part of a split one.
              params: How to load it.
              progress: Called with the loaded fraction, 0 to 1. Loading stops if it returns False.

            Raises:
              ModelLoadError: Names the file, the reason and a remedy.
            )"_doc);
    cls.def("close", &Model::close,
            R"(
            Gives the model up.

            Its memory is freed as soon as no context, sampler or adapter of it is left.
            )"_doc);
    cls.def_property_readonly("closed", &Model::closed);
    cls.def_property_readonly("path", [](const Model& self) { return path_to_str(self.path()); });
    cls.def_property_readonly("desc", &description, "Architecture, size and quantisation.");
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
               "Whether Context.encode() comes before decoding.");
    def_number(cls, "has_decoder", &llama_model_has_decoder, "Whether it can generate.");
    def_number(cls, "is_recurrent", &llama_model_is_recurrent,
               "Whether it is a recurrent model, such as Mamba or RWKV.");
    def_number(cls, "is_hybrid", &llama_model_is_hybrid,
               "Whether it has both attention and recurrent layers.");
    def_number(cls, "is_diffusion", &llama_model_is_diffusion,
               "Whether it is a diffusion language model.");
    def_number(cls, "decoder_start_token", &llama_model_decoder_start_token,
               "First token of the decoder of an encoder-decoder model, else -1.");
    cls.def("metadata", &metadata, "Returns the scalar metadata of the file, as text.");
    cls.def("chat_template", &chat_template, py::arg("name") = py::none(),
            R"(
            Returns a Jinja chat template of the file.

            Args:
              name: Name of the template. None: the default one.

            Returns:
              The template, or None if there is none of this name.
            )"_doc);
    bind_vocab(cls);
}

}  // namespace core
