// Context: evaluating tokens. Its memory, outputs and saved state have files of their own.
#include "native/binding/context/context.h"

#include <pybind11/stl.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/params.h"
#include "native/binding/model/adapter.h"
#include "native/core/fit_to_devices.h"

namespace py = pybind11;

namespace core {
namespace {

Outputs to_outputs(int outputs) {
    if (outputs < 0 || outputs > 2) {
        throw Error(ErrorKind::kContext,
                    format("outputs = %d must be 0 (none), 1 (last token) or 2 (all)", outputs));
    }
    return static_cast<Outputs>(outputs);
}

void decode(const Context& self, const Tokens& tokens, llama_pos pos0, llama_seq_id seq_id,
            int outputs) {
    const Outputs which = to_outputs(outputs);
    with_context(self, [&](ContextHandle& context) {
        context.decode(tokens.ids.data(), tokens.ids.size(), pos0, seq_id, which);
    });
}

void decode_one(const Context& self, llama_token token, llama_pos pos, llama_seq_id seq_id) {
    with_context(self, [&](ContextHandle& context) {
        context.decode(&token, 1, pos, seq_id, Outputs::kLast);
    });
}

void decode_sequences(const Context& self, std::vector<Tokens> sequences, bool all_outputs) {
    std::vector<std::vector<llama_token>> ids;
    for (Tokens& sequence : sequences) {
        ids.push_back(std::move(sequence.ids));
    }
    with_context(self, [&](ContextHandle& context) { context.decode_sequences(ids, all_outputs); });
}

void encode(const Context& self, const Tokens& tokens) {
    with_context(self, [&](ContextHandle& context) { context.encode(tokens.ids); });
}

void set_n_threads(const Context& self, int n_threads, int n_threads_batch) {
    if (n_threads < 1 || n_threads_batch < 1 || n_threads > GGML_MAX_N_THREADS ||
        n_threads_batch > GGML_MAX_N_THREADS) {
        throw Error(ErrorKind::kContext,
                    format("numbers of threads must be 1 to %d", GGML_MAX_N_THREADS));
    }
    with_context(
        self, [&](ContextHandle& context) { context.set_n_threads(n_threads, n_threads_batch); });
}

std::map<std::string, double> perf(const Context& self) {
    const llama_perf_context_data data = with_context(
        self, [](ContextHandle& context) { return llama_perf_context(context.get()); });
    return {
        {"t_load_ms", data.t_load_ms}, {"t_p_eval_ms", data.t_p_eval_ms},
        {"t_eval_ms", data.t_eval_ms}, {"n_p_eval", data.n_p_eval},
        {"n_eval", data.n_eval},       {"n_reused", data.n_reused},
    };
}

// Constant for the life of the context, so that they can be read while it works.
template <typename Getter>
void def_constant(ContextClass& cls, const char* name, Getter getter, const char* doc) {
    cls.def_property_readonly(
        name, [getter](const Context& self) { return getter(self.get()->get()); }, doc);
}

void bind_evaluation(ContextClass& cls) {
    cls.def(
        "decode", &decode, py::arg("tokens"), py::arg("pos0"), py::arg("seq_id") = 0,
        py::arg("outputs") = 1,
        "Evaluate tokens at the positions from ``pos0`` on of one sequence.\n\n"
        "``outputs``: 0 computes no logits, 1 those of the last token, 2 those of all tokens;\n"
        "the rows of earlier calls are gone. More than n_batch tokens go in several batches.\n"
        "ContextOverflowError when there is no room, AbortedError after abort(), DecodeError\n"
        "when llama.cpp fails, ContextError for wrong arguments. What a failed call had written\n"
        "is removed again.");
    cls.def("decode_one", &decode_one, py::arg("token"), py::arg("pos"), py::arg("seq_id") = 0,
            "decode() of one token with outputs=1, for the loop that generates.");
    cls.def("decode_sequences", &decode_sequences, py::arg("sequences"),
            py::arg("all_outputs") = true,
            "Evaluate several texts in one batch, as sequences 0, 1, ..., each from position 0.\n\n"
            "What these sequences held before is removed. For embeddings.");
    cls.def("encode", &encode, py::arg("tokens"),
            "Run the encoder of an encoder or encoder-decoder model over one text.");
    cls.def(
        "abort", [](const Context& self) { self.get()->request_abort(); },
        "Stop the running decode(), or else the next one, with AbortedError. From any thread.");
    cls.def(
        "clear_abort", [](const Context& self) { self.get()->clear_abort(); },
        "Forget an abort() that has stopped nothing yet.");
}

void bind_settings(ContextClass& cls) {
    cls.def("set_n_threads", &set_n_threads, py::arg("n_threads"), py::arg("n_threads_batch"),
            "Threads for one token, and for many.");
    cls.def(
        "set_embeddings",
        [](const Context& self, bool on) {
            with_context(self, [&](ContextHandle& context) { context.set_embeddings(on); });
        },
        py::arg("on"), "Whether decode() computes embeddings.");
    cls.def(
        "set_causal_attn",
        [](const Context& self, bool on) {
            with_context(self,
                         [&](ContextHandle& context) { llama_set_causal_attn(context.get(), on); });
        },
        py::arg("on"), "Whether a token attends to earlier tokens only.");
    cls.def(
        "set_lora",
        [](const Context& self, const LoraAdapter& adapter, float scale) {
            with_context(
                self, [&](ContextHandle& context) { context.set_lora(adapter.handle(), scale); });
        },
        py::arg("adapter"), py::arg("scale"),
        "Apply an adapter, or change its scale; several add up.");
    cls.def(
        "clear_lora",
        [](const Context& self) {
            with_context(self, [](ContextHandle& context) { context.clear_lora(); });
        },
        "Apply no adapter any more.");
    cls.def("perf", &perf,
            "Times in milliseconds (t_*) and counts (n_*) since the last perf_reset(); the times\n"
            "are measured when ContextParams.no_perf is False.");
    cls.def(
        "perf_reset",
        [](const Context& self) {
            with_context(self,
                         [](ContextHandle& context) { llama_perf_context_reset(context.get()); });
        },
        "Start the times and counts of perf() again.");
}

}  // namespace

Context::Context(std::shared_ptr<Model> model, const llama_context_params& params)
    : model_(std::move(model)) {
    GilRelease release;
    handle_.open(make_outside_gil<ContextHandle>(model_->get(), params));
}

void Context::close() {
    GilRelease release;
    handle_.close();
}

void init_context(py::module_& m) {
    bind_context_params(m);
    m.def(
        "fit_to_devices",
        [](const Path& path, const CopyOf<ModelParams>& model,
           const CopyOf<llama_context_params>& context) {
            GilRelease release;
            return fit_to_devices(path.text, model.params, context.params);
        },
        py::arg("path"), py::arg("model_params"), py::arg("context_params"),
        "Model parameters with which as much as possible goes to the devices.\n\n"
        "A copy whose n_gpu_layers, and what else it takes, are set so that the model and such a\n"
        "context fit into the free memory. Leave n_gpu_layers, split_mode and tensor_split alone.");

    ContextClass cls(m, "Context",
                     "A model's working memory. One thread at a time: a second one that calls a "
                     "method meanwhile\ngets BusyError.");
    cls.def(py::init([](std::shared_ptr<Model> model, const CopyOf<llama_context_params>& copy) {
                return make_outside_gil<Context>(std::move(model), copy.params);
            }),
            py::arg("model").none(false), py::arg("params"),
            "Create a context. ContextError says which parameter is wrong, or what failed.");
    cls.def("close", &Context::close,
            "Free the context; a call that is running in another thread finishes first.");
    cls.def_property_readonly("closed", &Context::closed);
    cls.def_property_readonly("model", &Context::model, "The model it was created with.");
    def_constant(cls, "n_ctx", &llama_n_ctx, "Tokens that fit in, of all sequences together.");
    def_constant(cls, "n_ctx_seq", &llama_n_ctx_seq, "Tokens that fit into one sequence.");
    def_constant(cls, "n_batch", &llama_n_batch, "Tokens per batch.");
    def_constant(cls, "n_ubatch", &llama_n_ubatch, "Tokens that are computed at once.");
    def_constant(cls, "n_seq_max", &llama_n_seq_max, "Number of sequences.");
    def_constant(
        cls, "pooling_type",
        [](llama_context* context) { return static_cast<int>(llama_pooling_type(context)); },
        "LLAMA_POOLING_TYPE_*.");
    cls.def_property_readonly(
        "n_threads", [](const Context& self) { return self.get()->n_threads(); },
        "Threads for one token.");
    cls.def_property_readonly(
        "n_threads_batch", [](const Context& self) { return self.get()->n_threads_batch(); },
        "Threads for many tokens.");
    bind_evaluation(cls);
    bind_settings(cls);
    bind_context_memory(cls);
    bind_context_outputs(cls);
    bind_context_state(cls);
}

}  // namespace core
