// The class Checkpoint, and the methods of Context that make one and go back to it.
#include "native/core/checkpoint.h"

#include <pybind11/pybind11.h>

#include <memory>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"

namespace py = pybind11;

namespace core {
namespace {

std::shared_ptr<Checkpoint> checkpoint(const Context& self, llama_seq_id seq_id) {
    return with_context(self, [&](ContextHandle& context) {
        return std::make_shared<Checkpoint>(context, seq_id);
    });
}

void restore(const Context& self, const std::shared_ptr<Checkpoint>& checkpoint,
             llama_seq_id seq_id) {
    with_context(self, [&](ContextHandle& context) { checkpoint->restore(context, seq_id); });
}

}  // namespace

void bind_context_checkpoints(py::module_& m, ContextClass& cls) {
    py::class_<Checkpoint, std::shared_ptr<Checkpoint>>(m, "Checkpoint", R"(
        A copy of the parts of a sequence's memory that cannot be shortened.

        These are the states of recurrent layers, and the keys and values of layers with a sliding
        window. It can be restored as long as the other layers keep the positions before it.
        )"_doc)
        .def_property_readonly("n_bytes", &Checkpoint::size, "Its size in bytes.");
    cls.def(
        "checkpoint_size",
        [](const Context& self, llama_seq_id seq_id) {
            return with_context(
                self, [&](ContextHandle& context) { return checkpoint_size(context, seq_id); });
        },
        py::arg("seq_id"), "Returns the number of bytes that checkpoint() would copy now.");
    cls.def("checkpoint", &checkpoint, py::arg("seq_id"),
            R"(
            Copies the parts of a sequence's memory that cannot be shortened.

            Args:
              seq_id: The sequence.

            Raises:
              StateError: llama.cpp fails.
            )"_doc);
    cls.def("checkpoint_restore", &restore, py::arg("checkpoint"), py::arg("seq_id"),
            R"(
            Puts a copy back, without outputs. Remove the positions that follow it by seq_rm() then.

            Args:
              checkpoint: A copy, of a context of the same model and shape.
              seq_id: The sequence.

            Raises:
              StateError: It is of another model, and the context is as it was; or it does not fit,
                and the context is empty.
            )"_doc);
}

}  // namespace core
