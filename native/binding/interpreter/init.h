// The parts of the module. Each adds one concept; module.cpp calls them in this order.
#ifndef NATIVE_BINDING_INTERPRETER_INIT_H_
#define NATIVE_BINDING_INTERPRETER_INIT_H_

#include <pybind11/pybind11.h>

namespace core {

void init_errors(pybind11::module_& m);
void init_gil(pybind11::module_& m);
void init_signals(pybind11::module_& m);
void init_log(pybind11::module_& m);
void init_backend(pybind11::module_& m);
void init_machine_id(pybind11::module_& m);
void init_model(pybind11::module_& m);
void init_adapter(pybind11::module_& m);
void init_quantize(pybind11::module_& m);
void init_context(pybind11::module_& m);
void init_lease(pybind11::module_& m);
void init_sampling(pybind11::module_& m);
void init_sampler_chain(pybind11::module_& m);
void init_speculation(pybind11::module_& m);
void init_decoders(pybind11::module_& m);
void init_projector(pybind11::module_& m);
void init_logprobs(pybind11::module_& m);
void init_text(pybind11::module_& m);
void init_grammar(pybind11::module_& m);
void init_chat(pybind11::module_& m);

}  // namespace core

#endif  // NATIVE_BINDING_INTERPRETER_INIT_H_
