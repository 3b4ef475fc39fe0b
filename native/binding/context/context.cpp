// Context: evaluating tokens. Its memory, outputs and saved state have files of their own.
#include "native/binding/context/context.h"

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/params.h"
#include "native/binding/model/adapter.h"
#include "native/core/fit_to_devices.h"

namespace py = pybind11;

namespace core {
namespace {

void decode(const Context& self, const Tokens& tokens, llama_pos pos0, llama_seq_id seq_id,
            Outputs outputs) {
    with_context(self, [&](ContextHandle& context) {
        context.decode(tokens.ids.data(), tokens.ids.size(), pos0, seq_id, outputs);
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

using Directions = py::array_t<float, py::array::c_style | py::array::forcecast>;

void set_control_vector(const Context& self, const Directions& rows, int first, int last) {
    const std::vector<float> data(rows.data(), rows.data() + rows.size());
    if (data.empty()) {
        throw Error(ErrorKind::kContext, "the control vector has no numbers");
    }
    with_context(self,
                 [&](ContextHandle& context) { context.set_control_vector(data, first, last); });
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

void bind_outputs(py::module_& m) {
    py::native_enum<Outputs>(m, "Outputs", "enum.Enum",
                             "Tokens of a decode() that have an output: logits, or an embedding.")
        .value("NONE", Outputs::kNone)
        .value("LAST", Outputs::kLast)
        .value("ALL", Outputs::kAll)
        .finalize();
}

void bind_evaluation(ContextClass& cls) {
    cls.def("decode", &decode, py::arg("tokens"), py::arg("pos0"), py::arg("seq_id") = 0,
            py::arg_v("outputs", Outputs::kLast, "Outputs.LAST"),
            R"(
            Evaluates tokens of one sequence, in several batches if they are more than n_batch.

            The outputs of earlier calls are gone. A call that fails leaves none of its tokens in
            the sequence.

            Args:
              tokens: Token ids.
              pos0: Position of the first token; the others follow it.
              seq_id: The sequence.
              outputs: Tokens that have an output.

            Raises:
              ContextOverflowError: There is no room for the tokens.
              AbortedError: abort() was called.
              DecodeError: llama.cpp fails.
              ContextError: An argument is wrong.
            )"_doc);
    cls.def("decode_one", &decode_one, py::arg("token"), py::arg("pos"), py::arg("seq_id") = 0,
            R"(
            Evaluates one token, which has an output, for the loop that generates.

            Args:
              token: Token id.
              pos: Its position.
              seq_id: The sequence.
            )"_doc);
    cls.def("decode_sequences", &decode_sequences, py::arg("sequences"),
            py::arg("all_outputs") = true,
            R"(
            Evaluates several texts in one batch, for embeddings.

            Args:
              sequences: Token ids of each text. They replace the sequences 0, 1, and so on.
              all_outputs: Whether each token has an output, not only the last of each text.

            Raises:
              ContextError: The texts do not fit into one batch, or an argument is wrong.
              DecodeError: llama.cpp fails.
            )"_doc);
    cls.def("encode", &encode, py::arg("tokens"),
            R"(
            Runs the encoder of an encoder or encoder-decoder model over one text.

            Args:
              tokens: Token ids of the text.

            Raises:
              ContextError: The model has no encoder, or the text does not fit into one batch.
            )"_doc);
    cls.def(
        "abort", [](const Context& self) { self.get()->request_abort(); },
        R"(
        Ends the running decode(), or else the next one, with AbortedError.

        It may be called from any thread.
        )"_doc);
    cls.def(
        "clear_abort", [](const Context& self) { self.get()->clear_abort(); },
        "Cancels an abort() that has ended no call yet.");
}

void bind_settings(ContextClass& cls) {
    cls.def("set_n_threads", &set_n_threads, py::arg("n_threads"), py::arg("n_threads_batch"),
            R"(
            Sets the numbers of threads.

            Args:
              n_threads: Threads for one token.
              n_threads_batch: Threads for many tokens.

            Raises:
              ContextError: A number is out of range.
            )"_doc);
    cls.def(
        "set_embeddings",
        [](const Context& self, bool on) {
            with_context(self, [&](ContextHandle& context) { context.set_embeddings(on); });
        },
        py::arg("on"), "Sets whether decode() computes embeddings.");
    cls.def(
        "set_causal_attn",
        [](const Context& self, bool on) {
            with_context(self,
                         [&](ContextHandle& context) { llama_set_causal_attn(context.get(), on); });
        },
        py::arg("on"), "Sets whether a token attends to earlier tokens only.");
    cls.def(
        "set_lora",
        [](const Context& self, const LoraAdapter& adapter, float scale) {
            with_context(
                self, [&](ContextHandle& context) { context.set_lora(adapter.handle(), scale); });
        },
        py::arg("adapter"), py::arg("scale"),
        R"(
        Applies an adapter beside those applied already, or changes its scale.

        Args:
          adapter: The adapter, made for this context's model.
          scale: Factor of its changes; 1 applies them as trained.
        )"_doc);
    cls.def(
        "clear_lora",
        [](const Context& self) {
            with_context(self, [](ContextHandle& context) { context.clear_lora(); });
        },
        "Removes all adapters.");
    cls.def("set_control_vector", &set_control_vector, py::arg("rows"), py::arg("first"),
            py::arg("last"),
            R"(
            Adds directions to the hidden state after some layers, instead of those set before.

            Args:
              rows: An array of (n_layer - 1, n_embd): a direction for each layer but the first.
              first: The first layer whose direction is added, at least 1.
              last: The last one.

            Raises:
              ContextError: The array has another size, or there are no such layers.
            )"_doc);
    cls.def(
        "clear_control_vector",
        [](const Context& self) {
            with_context(self,
                         [](ContextHandle& context) { context.set_control_vector({}, 0, 0); });
        },
        "Adds no directions any more.");
    cls.def(
        "set_abort_callback",
        [](Context& self, py::typing::Optional<py::typing::Callable<bool()>> callback) {
            self.set_abort_callback(std::move(callback));
        },
        py::arg("callback"),
        R"(
        Sets a function that may end evaluations, with AbortedError.

        Args:
          callback: Called without arguments, before each micro-batch and about every 50 ms while
            one is computed. An evaluation ends when it returns True, or raises: then with its
            exception. None: no function.

        Raises:
          BusyError: An evaluation is running.
        )"_doc);
    cls.def("perf", &perf,
            R"(
            Returns times and counts since the last perf_reset().

            Returns:
              Times in milliseconds (``t_*``, only if ContextParams.no_perf is False) and counts
              (``n_*``).
            )"_doc);
    cls.def(
        "perf_reset",
        [](const Context& self) {
            with_context(self,
                         [](ContextHandle& context) { llama_perf_context_reset(context.get()); });
        },
        "Resets the times and counts of perf().");
}

}  // namespace

Context::Context(std::shared_ptr<Model> model, const llama_context_params& params)
    : model_(std::move(model)) {
    GilRelease release;
    handle_.open(make_outside_gil<ContextHandle>(model_->get(), params));
}

AbortCallback::~AbortCallback() {
    stay_away_if_exiting();
    py::gil_scoped_acquire gil;
    raised_.reset();
    function_ = py::object();
}

bool AbortCallback::operator()() {
    py::gil_scoped_acquire gil;
    try {
        return py::bool_(function_());
    } catch (py::error_already_set& error) {
        raised_.emplace(std::move(error));
        return true;
    }
}

void Context::set_abort_callback(py::object function) {
    std::unique_ptr<AbortCallback> callback;
    if (!function.is_none()) {
        callback = std::make_unique<AbortCallback>(std::move(function));
    }
    // The object owns it: the handle calls it during calls of the object only.
    with_context(*this, [&](ContextHandle& context) {
        abort_callback_.swap(callback);
        std::function<bool()> should_stop;
        if (abort_callback_ != nullptr) {
            should_stop = [pointer = abort_callback_.get()] { return (*pointer)(); };
        }
        context.set_abort_callback(std::move(should_stop));
    });
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
           const CopyOf<llama_context_params>& context, size_t reserved_bytes) {
            GilRelease release;
            return fit_to_devices(path.text, model.params, context.params, reserved_bytes);
        },
        py::arg("path"), py::arg("model_params"), py::arg("context_params"),
        py::arg("reserved_bytes") = 0,
        R"(
        Returns model parameters that put as much as possible on the devices.

        Args:
          path: The model file.
          model_params: Parameters with the defaults of n_gpu_layers, split_mode and tensor_split.
          context_params: Parameters of the context that has to fit too.
          reserved_bytes: Memory of the first device to leave free for something else.

        Returns:
          A copy of model_params in which n_gpu_layers, and other parameters where necessary, are
          such that the model and the context fit into the free memory.
        )"_doc);

    bind_outputs(m);
    ContextClass cls(m, "Context", R"(
        A model's working memory.

        It serves one thread at a time: a call from a second one meanwhile raises BusyError.
        )"_doc);
    cls.def(py::init([](std::shared_ptr<Model> model, const CopyOf<llama_context_params>& copy) {
                return make_outside_gil<Context>(std::move(model), copy.params);
            }),
            py::arg("model").none(false), py::arg("params"),
            R"(
            Creates a context.

            Args:
              model: Its model, with weights.
              params: Its parameters.

            Raises:
              ContextError: A parameter is wrong, or llama.cpp fails.
              WeightLayoutError: The CPU backend cannot use the layout of a weight.
            )"_doc);
    cls.def("close", &Context::close,
            "Frees the context, after the call that another thread may be running.");
    cls.def_property_readonly("closed", &Context::closed);
    cls.def_property_readonly("model", &Context::model, "Model of the context.");
    def_constant(cls, "n_ctx", &llama_n_ctx, "Capacity in tokens, of all sequences together.");
    def_constant(cls, "n_ctx_seq", &llama_n_ctx_seq, "Capacity of one sequence in tokens.");
    def_constant(cls, "n_batch", &llama_n_batch, "Tokens per batch.");
    def_constant(cls, "n_ubatch", &llama_n_ubatch, "Tokens that are computed at once.");
    def_constant(cls, "n_seq_max", &llama_n_seq_max, "Number of sequences.");
    def_constant(cls, "n_rs_seq", &llama_n_rs_seq, "Tokens that a recurrent state can drop.");
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
    bind_context_checkpoints(m, cls);
    bind_context_memory(cls);
    bind_context_outputs(cls);
    bind_context_state(cls);
}

}  // namespace core
