// llama_cpp._core: the binding of llama.cpp. This file is only the list of its parts.
#include "native/binding/interpreter/init.h"
#include "native/core/native_files.h"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
    core::require_own_files();  // before any function of llama.cpp is called; an ImportError
    m.doc() = "Binding of llama.cpp and of its library llama-common.";
    core::init_errors(m);
    core::init_gil(m);
    core::init_signals(m);
    core::init_log(m);  // before anything that can log
    core::init_backend(m);
    core::init_machine_id(m);
    core::init_model(m);
    core::init_adapter(m);
    core::init_quantize(m);
    core::init_context(m);
    core::init_lease(m);
    core::init_sampling(m);
    core::init_sampler_chain(m);
    core::init_speculation(m);
    core::init_decoders(m);
    core::init_projector(m);
    core::init_logprobs(m);
    core::init_text(m);
    core::init_grammar(m);
    core::init_chat(m);
}
