// The Python class Context.
#ifndef NATIVE_BINDING_CONTEXT_CONTEXT_H_
#define NATIVE_BINDING_CONTEXT_CONTEXT_H_

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <utility>

#include "native/binding/interpreter/gil.h"
#include "native/binding/model/model.h"
#include "native/core/context_handle.h"

namespace core {

// A function of Python that may end a call. Its exception waits until the call has ended.
class AbortCallback {
  public:
    explicit AbortCallback(pybind11::object function) : function_(std::move(function)) {}
    ~AbortCallback();  // also without the GIL
    AbortCallback(const AbortCallback&) = delete;
    AbortCallback& operator=(const AbortCallback&) = delete;

    bool operator()();

    // Only while the context is busy: the next call may raise another one.
    std::optional<pybind11::error_already_set> take_raised() {
        return std::exchange(raised_, std::nullopt);
    }

  private:
    pybind11::object function_;
    std::optional<pybind11::error_already_set> raised_;
};

class Context {
  public:
    Context(std::shared_ptr<Model> model, const llama_context_params& params);

    std::shared_ptr<ContextHandle> get() const { return handle_.get(); }
    const std::shared_ptr<Model>& model() const { return model_; }
    bool closed() const { return handle_.closed(); }
    void close();

    void set_abort_callback(pybind11::object function);
    std::optional<pybind11::error_already_set> take_raised() const {
        return abort_callback_ == nullptr ? std::nullopt : abort_callback_->take_raised();
    }

  private:
    std::shared_ptr<Model> model_;
    std::unique_ptr<AbortCallback> abort_callback_;
    Closable<ContextHandle> handle_{"Context"};
};

using ContextClass = pybind11::class_<Context, std::shared_ptr<Context>>;

// Calls `function(handle)` with the GIL released, while no other thread uses the context.
template <typename Function>
auto with_context(const Context& context, Function&& function) {
    std::optional<pybind11::error_already_set> raised;
    try {
        GilRelease release;
        const std::shared_ptr<ContextHandle> handle = context.get();
        BusyLock busy(handle->busy, "Context");
        try {
            return function(*handle);
        } catch (const Error&) {
            raised = context.take_raised();
            throw;
        }
    } catch (const Error&) {
        if (raised.has_value()) {
            throw std::move(*raised);
        }
        throw;
    }
}

// checkpoint.cpp, memory.cpp, outputs.cpp, params.cpp, state.cpp
void bind_context_checkpoints(pybind11::module_& m, ContextClass& cls);
void bind_context_memory(ContextClass& cls);
void bind_context_outputs(ContextClass& cls);
void bind_context_params(pybind11::module_& m);
void bind_context_state(ContextClass& cls);

}  // namespace core

#endif  // NATIVE_BINDING_CONTEXT_CONTEXT_H_
