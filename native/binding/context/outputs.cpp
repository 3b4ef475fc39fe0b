// The methods of Context that hand out logits and embeddings, as copies.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>
#include <vector>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"

namespace py = pybind11;

namespace core {
namespace {

using FloatArray = py::array_t<float>;

FloatArray to_array(const std::vector<float>& values) {
    return FloatArray(static_cast<py::ssize_t>(values.size()), values.data());
}

// One row of `width` numbers, copied while the context is held.
template <typename Rows>
FloatArray copy_row(const Context& self, int32_t index, Rows rows) {
    return to_array(with_context(self, [&](ContextHandle& context) {
        const int64_t row = context.resolve_row(index);
        const auto [data, width] = rows(context);
        return std::vector<float>(data + row * width, data + (row + 1) * width);
    }));
}

template <typename Rows>
FloatArray copy_rows(const Context& self, Rows rows) {
    int64_t n_rows = 0;
    int64_t n_columns = 0;
    const std::vector<float> values = with_context(self, [&](ContextHandle& context) {
        context.resolve_row(-1);
        const auto [data, width] = rows(context);
        n_rows = context.n_outputs();
        n_columns = width;
        return std::vector<float>(data, data + n_rows * width);
    });
    FloatArray array({n_rows, n_columns});
    std::memcpy(array.mutable_data(), values.data(), values.size() * sizeof(float));
    return array;
}

struct Rows {
    const float* data;
    int64_t width;
};

Rows logit_rows(ContextHandle& context) { return {context.logits(), context.model()->n_vocab()}; }

Rows embedding_rows(ContextHandle& context) { return {context.embeddings(), context.n_embd_out()}; }

}  // namespace

void bind_context_outputs(ContextClass& cls) {
    cls.def_property_readonly(
        "n_outputs",
        [](const Context& self) {
            return with_context(self, [](ContextHandle& context) { return context.n_outputs(); });
        },
        "Number of outputs of the last decode().");
    cls.def(
        "logits",
        [](const Context& self, int32_t index) { return copy_row(self, index, logit_rows); },
        py::arg("index") = -1,
        R"(
        Returns the logits of one output.

        Args:
          index: The output; -1 is the last one.

        Returns:
          float32 [n_vocab].

        Raises:
          ContextError: There are no outputs.
          IndexError: There is no such output.
        )"_doc);
    cls.def(
        "logits_all", [](const Context& self) { return copy_rows(self, logit_rows); },
        "Returns the logits of all outputs, float32 [n_outputs, n_vocab].");
    cls.def(
        "embeddings",
        [](const Context& self, int32_t index) { return copy_row(self, index, embedding_rows); },
        py::arg("index") = -1,
        R"(
        Returns the embedding of one token, in a context of LLAMA_POOLING_TYPE_NONE.

        Args:
          index: The output; -1 is the last one.

        Returns:
          float32 [n_embd_out].

        Raises:
          IndexError: There is no such output.
        )"_doc);
    cls.def(
        "embeddings_all", [](const Context& self) { return copy_rows(self, embedding_rows); },
        R"(
        Returns the embeddings of all tokens, in a context of LLAMA_POOLING_TYPE_NONE.

        Returns:
          float32 [n_outputs, n_embd_out].
        )"_doc);
    cls.def(
        "embeddings_seq",
        [](const Context& self, llama_seq_id seq_id) {
            return to_array(with_context(
                self, [&](ContextHandle& context) { return context.pooled_embedding(seq_id); }));
        },
        py::arg("seq_id"),
        R"(
        Returns the pooled embedding of a sequence.

        Args:
          seq_id: The sequence.

        Returns:
          float32 [n_embd_out]; for LLAMA_POOLING_TYPE_RANK its scores, float32 [n_cls_out].
        )"_doc);
}

}  // namespace core
