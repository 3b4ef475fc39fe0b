// LoraAdapter: a file of low-rank changes to a model, applied per context. Reading the files of
// control vectors.
#include "native/binding/model/adapter.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <utility>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/core/control_vector.h"
#include "native/core/gguf_file.h"
#include "native/core/load_model.h"
#include "native/core/log.h"

namespace py = pybind11;

namespace core {

namespace {

constexpr const char* kArchitecture = "general.architecture";

std::string hint(const ModelHandle& model, const std::string& path) {
    const std::string needed = read_text([&](char* buffer, size_t size) {
        return llama_model_meta_val_str(model.get(), kArchitecture, buffer, size);
    });
    const std::string found = gguf_text(path, kArchitecture);
    std::string text = "\nGive an adapter that was made for this very model";
    if (found != needed) {
        text += ", a '" + needed + "'; this one is for a '" + found + "'";
    }
    return text + ".";
}

}  // namespace

LoraAdapter::LoraAdapter(const Model& model, std::string path) : path_(std::move(path)) {
    auto owner = model.get();
    GilRelease release;
    check_gguf_file(path_, "LoRA adapter");
    if (!owner->has_weights()) {
        throw Error(ErrorKind::kModelLoad,
                    "a LoRA adapter needs a model with weights; this one was loaded with "
                    "vocab_only");
    }
    LogCapture log;
    std::lock_guard<std::recursive_mutex> lock(owner->adapter_mutex());
    const auto refuse = [&](const std::string& reason) {
        throw Error(ErrorKind::kModelLoad, "Failed to load LoRA adapter from file: " + path_ +
                                               ": " + reason + hint(*owner, path_));
    };
    llama_adapter_lora* adapter = nullptr;
    try {
        adapter = call_native(ErrorKind::kModelLoad,
                              [&] { return llama_adapter_lora_init(owner->get(), path_.c_str()); });
    } catch (const Error& error) {
        pass_on_lost_server(error);
        refuse(error.what());
    }
    if (adapter == nullptr) {
        refuse(log.take());
    }
    handle_ = make_outside_gil<AdapterHandle>(std::move(owner), adapter);
}

namespace {

py::typing::Dict<py::int_, py::array_t<float>> read_directions(const Path& path) {
    std::map<int32_t, std::vector<float>> directions;
    {
        GilRelease release;
        directions = read_control_vector(path.text);
    }
    py::typing::Dict<py::int_, py::array_t<float>> result;
    for (const auto& [layer, direction] : directions) {
        result[py::int_(layer)] =
            py::array_t<float>(static_cast<py::ssize_t>(direction.size()), direction.data());
    }
    return result;
}

}  // namespace

void init_adapter(py::module_& m) {
    m.def("read_control_vector", &read_directions, py::arg("path"),
          R"(
          Reads the directions of a control vector.

          Args:
            path: A GGUF file with tensors named ``direction.<layer>``.

          Returns:
            Layer, from 1 on -> an array of as many numbers as the model's hidden state has.

          Raises:
            ModelLoadError: The file is missing, damaged, or no control vector.
          )"_doc);
    py::class_<LoraAdapter, std::shared_ptr<LoraAdapter>> cls(
        m, "LoraAdapter", "A LoRA adapter of a model, applied with Context.set_lora().");
    cls.def(py::init([](const Model& model, Path path) {
                return make_outside_gil<LoraAdapter>(model, std::move(path.text));
            }),
            py::arg("model"), py::arg("path"),
            R"(
            Loads a GGUF adapter.

            Args:
              model: Model that the adapter was made for, with its weights.
              path: File of the adapter.

            Raises:
              ModelLoadError: The file is missing, damaged, or made for another model.
            )"_doc);
    cls.def_property_readonly("path",
                              [](const LoraAdapter& self) { return path_to_str(self.path()); });
    cls.def_property_readonly(
        "invocation_tokens",
        [](const LoraAdapter& self) {
            const llama_adapter_lora* adapter = self.handle()->get();
            const llama_token* tokens = llama_adapter_get_alora_invocation_tokens(adapter);
            return std::vector<llama_token>(
                tokens, tokens + llama_adapter_get_alora_n_invocation_tokens(adapter));
        },
        "Tokens from which on it is meant to be applied (aLoRA); empty for others.");
}

}  // namespace core
