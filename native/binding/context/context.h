// The Python class Context.
#ifndef NATIVE_BINDING_CONTEXT_CONTEXT_H_
#define NATIVE_BINDING_CONTEXT_CONTEXT_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

#include "native/binding/interpreter/gil.h"
#include "native/binding/model/model.h"
#include "native/core/context_handle.h"

namespace core {

class Context {
  public:
    Context(std::shared_ptr<Model> model, const llama_context_params& params);

    std::shared_ptr<ContextHandle> get() const { return handle_.get(); }
    const std::shared_ptr<Model>& model() const { return model_; }
    bool closed() const { return handle_.closed(); }
    void close();

  private:
    std::shared_ptr<Model> model_;
    Closable<ContextHandle> handle_{"Context"};
};

using ContextClass = pybind11::class_<Context, std::shared_ptr<Context>>;

// Calls `function(handle)` with the GIL released, while no other thread uses the context.
template <typename Function>
auto with_context(const Context& context, Function&& function) {
    GilRelease release;
    const std::shared_ptr<ContextHandle> handle = context.get();
    BusyLock busy(handle->busy, "Context");
    return function(*handle);
}

// memory.cpp, outputs.cpp, params.cpp, state.cpp
void bind_context_memory(ContextClass& cls);
void bind_context_outputs(ContextClass& cls);
void bind_context_params(pybind11::module_& m);
void bind_context_state(ContextClass& cls);

}  // namespace core

#endif  // NATIVE_BINDING_CONTEXT_CONTEXT_H_
