#include "native/binding/context/lease.h"

#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/init.h"

namespace py = pybind11;

namespace core {

Lease::Lease(const Model& model)
    : model_(model.get()),
      address_(reinterpret_cast<uintptr_t>(model_->get())),
      vocab_(reinterpret_cast<uintptr_t>(model_->vocab())) {}

Lease::Lease(const Context& context)
    : context_(context.get()),
      model_(context_->model()),
      busy_(std::in_place, context_->busy, "Context"),
      address_(reinterpret_cast<uintptr_t>(context_->get())),
      vocab_(reinterpret_cast<uintptr_t>(model_->vocab())) {
    context_->check_usable();
}

namespace {

// A ctypes pointer that holds the lease, as long as ctypes holds the argument: for the whole call.
template <typename Owner>
py::object as_parameter(const Owner& owner) {
    py::object lease = py::cast(std::make_unique<Lease>(owner));
    py::object pointer = py::module_::import("ctypes").attr("c_void_p")(lease.attr("address"));
    pointer.attr("lease") = lease;
    return pointer;
}

template <typename Owner>
void def_as_parameter(py::module_& m, const char* name) {
    using Class = py::class_<Owner, std::shared_ptr<Owner>>;
    auto cls = py::reinterpret_borrow<Class>(m.attr(name));
    cls.def_property_readonly("_as_parameter_", &as_parameter<Owner>,
                              "The pointer for a C function that ctypes calls.");
}

}  // namespace

void init_lease(py::module_& m) {
    py::class_<Lease> cls(m, "Lease", R"(
        A model or context in use by C functions that Python calls.

        As long as it lives, close() frees nothing, and a context serves no other thread.
        )"_doc);
    cls.def(py::init<const Model&>(), py::arg("model"), "Keeps the model.");
    cls.def(py::init<const Context&>(), py::arg("context"),
            R"(
            Takes the context.

            Raises:
              BusyError: Another thread uses it.
              ContextError: An earlier failure of llama.cpp left it unusable.
            )"_doc);
    cls.def_property_readonly("address", &Lease::address,
                              "Address of the ``llama_model`` or ``llama_context``.");
    cls.def_property_readonly("vocab", &Lease::vocab, "Address of the model's ``llama_vocab``.");
    cls.def_property_readonly("has_weights", &Lease::has_weights,
                              "Whether the model was loaded with its weights.");
    cls.def("check_token", &Lease::check_token, py::arg("token"),
            R"(
            Fails unless the vocabulary has a token of this id.

            Raises:
              TokenizeError: It has none.
            )"_doc);
    def_as_parameter<Model>(m, "Model");
    def_as_parameter<Context>(m, "Context");
}

}  // namespace core
