// The Python class Model.
#ifndef LLAMA_CPP_CORE_MODEL_H_
#define LLAMA_CPP_CORE_MODEL_H_

#include <pybind11/pybind11.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "llama.h"
#include "llama_cpp/_core/handles.h"

namespace core {

using MetadataValue = std::variant<bool, int64_t, double, std::string>;

struct ModelParams {
    ModelParams();

    llama_model_params plain;  // the fields without pointers; those are made of the members below
    std::vector<float> tensor_split;
    std::map<std::string, MetadataValue> kv_overrides;
    std::vector<std::string> devices;
};

class Model {
  public:
    Model(std::string path, const ModelParams& params, pybind11::object progress);

    std::shared_ptr<ModelHandle> get() const { return handle_.get(); }
    bool closed() const { return handle_.closed(); }
    void close();
    const std::string& path() const { return path_; }

  private:
    Closable<ModelHandle> handle_{"Model"};
    std::string path_;
};

using ModelClass = pybind11::class_<Model, std::shared_ptr<Model>>;

// vocab.cpp: the methods about tokens and text.
void bind_vocab(ModelClass& cls);

}  // namespace core

#endif  // LLAMA_CPP_CORE_MODEL_H_
