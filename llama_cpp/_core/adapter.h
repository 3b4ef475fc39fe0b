// The Python class LoraAdapter.
#ifndef LLAMA_CPP_CORE_ADAPTER_H_
#define LLAMA_CPP_CORE_ADAPTER_H_

#include <memory>
#include <string>

#include "llama_cpp/_core/handles.h"
#include "llama_cpp/_core/model.h"

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

#endif  // LLAMA_CPP_CORE_ADAPTER_H_
