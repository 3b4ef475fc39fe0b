// The Python class ContextParams.
#include "native/binding/interpreter/params.h"

#include <pybind11/pybind11.h>

#include "native/binding/context/context.h"

namespace py = pybind11;

namespace core {

void bind_context_params(py::module_& m) {
    using Params = llama_context_params;
    py::class_<Params> cls(
        m, "ContextParams",
        "How to create a context. Defaults are llama.cpp's; values are checked when it is used.");
    cls.def(py::init([] { return llama_context_default_params(); }));
    def_int(cls, "n_ctx", &Params::n_ctx);
    def_int(cls, "n_batch", &Params::n_batch);
    def_int(cls, "n_ubatch", &Params::n_ubatch);
    def_int(cls, "n_seq_max", &Params::n_seq_max);
    def_int(cls, "n_rs_seq", &Params::n_rs_seq);
    def_int(cls, "n_outputs_max", &Params::n_outputs_max);
    def_int(cls, "n_outputs_max_per_seq", &Params::n_outputs_max_per_seq);
    def_int(cls, "n_threads", &Params::n_threads);
    def_int(cls, "n_threads_batch", &Params::n_threads_batch);
    def_int(cls, "rope_scaling_type", &Params::rope_scaling_type);
    def_int(cls, "pooling_type", &Params::pooling_type);
    def_int(cls, "attention_type", &Params::attention_type);
    def_int(cls, "flash_attn_type", &Params::flash_attn_type);
    def_int(cls, "yarn_orig_ctx", &Params::yarn_orig_ctx);
    def_int(cls, "type_k", &Params::type_k);
    def_int(cls, "type_v", &Params::type_v);
    cls.def_readwrite("rope_freq_base", &Params::rope_freq_base);
    cls.def_readwrite("rope_freq_scale", &Params::rope_freq_scale);
    cls.def_readwrite("yarn_ext_factor", &Params::yarn_ext_factor);
    cls.def_readwrite("yarn_attn_factor", &Params::yarn_attn_factor);
    cls.def_readwrite("yarn_beta_fast", &Params::yarn_beta_fast);
    cls.def_readwrite("yarn_beta_slow", &Params::yarn_beta_slow);
    cls.def_readwrite("embeddings", &Params::embeddings);
    cls.def_readwrite("offload_kqv", &Params::offload_kqv);
    cls.def_readwrite("no_perf", &Params::no_perf);
    cls.def_readwrite("op_offload", &Params::op_offload);
    cls.def_readwrite("swa_full", &Params::swa_full);
    cls.def_readwrite("kv_unified", &Params::kv_unified);
}

}  // namespace core
