// The Python class LoraAdapter.
#ifndef NATIVE_BINDING_MODEL_ADAPTER_H_
#define NATIVE_BINDING_MODEL_ADAPTER_H_

#include <memory>
#include <string>

#include "native/binding/model/model.h"
#include "native/core/handles.h"

namespace core {

class LoraAdapter {
  public:
    LoraAdapter(const Model& model, std::string path);

    const std::shared_ptr<AdapterHandle>& handle() const { return handle_; }
    const std::string& path() const { return path_; }

  private:
    std::shared_ptr<AdapterHandle> handle_;
    std::string path_;
};

}  // namespace core

#endif  // NATIVE_BINDING_MODEL_ADAPTER_H_
