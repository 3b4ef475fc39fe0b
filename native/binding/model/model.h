// The Python class Model.
#ifndef NATIVE_BINDING_MODEL_MODEL_H_
#define NATIVE_BINDING_MODEL_MODEL_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "native/core/handles.h"
#include "native/core/load_model.h"

namespace core {

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

#endif  // NATIVE_BINDING_MODEL_MODEL_H_
