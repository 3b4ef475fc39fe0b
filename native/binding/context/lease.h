// The Python class Lease: an object of llama.cpp while C functions that Python calls use it.
#ifndef NATIVE_BINDING_CONTEXT_LEASE_H_
#define NATIVE_BINDING_CONTEXT_LEASE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "native/binding/context/context.h"
#include "native/core/handles.h"

namespace core {

// Keeps a model or context alive, and other threads out of the context, as long as it lives.
class Lease {
  public:
    explicit Lease(const Model& model);
    explicit Lease(const Context& context);

    // The llama_model or llama_context.
    uintptr_t address() const { return address_; }

    // The model's llama_vocab.
    uintptr_t vocab() const { return vocab_; }

    // False: the model was loaded with vocab_only.
    bool has_weights() const { return model_->has_weights(); }

    // Fails unless the vocabulary has the id.
    void check_token(llama_token token) const { model_->check_token(token, ErrorKind::kTokenize); }

  private:
    std::shared_ptr<ContextHandle> context_;  // before `busy_`, which refers to it
    std::shared_ptr<ModelHandle> model_;
    std::optional<BusyLock> busy_;
    uintptr_t address_;
    uintptr_t vocab_;
};

}  // namespace core

#endif  // NATIVE_BINDING_CONTEXT_LEASE_H_
