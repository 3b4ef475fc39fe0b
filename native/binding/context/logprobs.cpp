// Log-probabilities of the next token.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/init.h"

namespace py = pybind11;

namespace core {
namespace {

using TokenLogprob = std::pair<llama_token, double>;
using TopLogprobs = std::pair<double, std::vector<TokenLogprob>>;

// Log of the sum of the exponentials. A logit minus this is its log-probability.
double log_sum_exp(const float* logits, int32_t size) {
    const float greatest = *std::max_element(logits, logits + size);
    if (!std::isfinite(greatest)) {
        return greatest;
    }
    double sum = 0.0;
    for (int32_t i = 0; i < size; ++i) {
        sum += std::exp(logits[i] - greatest);
    }
    return greatest + std::log(sum);
}

// The k tokens with the greatest logits, best first. A heap of k: no sort of the vocabulary.
std::vector<llama_token> best_tokens(const float* logits, int32_t size, int k) {
    const auto is_better = [logits](llama_token a, llama_token b) {
        return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
    };
    std::vector<llama_token> heap;  // the worst of the best is on top
    for (llama_token token = 0; token < size; ++token) {
        if (heap.size() < static_cast<size_t>(k)) {
            heap.push_back(token);
            std::push_heap(heap.begin(), heap.end(), is_better);
        } else if (k > 0 && is_better(token, heap.front())) {
            std::pop_heap(heap.begin(), heap.end(), is_better);
            heap.back() = token;
            std::push_heap(heap.begin(), heap.end(), is_better);
        }
    }
    std::sort_heap(heap.begin(), heap.end(), is_better);
    return heap;
}

TopLogprobs top_logprobs_of(const float* logits, int32_t size, llama_token token, int k) {
    const double total = log_sum_exp(logits, size);
    std::vector<TokenLogprob> best;
    for (llama_token candidate : best_tokens(logits, size, k)) {
        best.emplace_back(candidate, logits[candidate] - total);
    }
    return {logits[token] - total, std::move(best)};
}

void check_arguments(llama_token token, int k, int32_t size) {
    if (token < 0 || token >= size) {
        throw py::value_error(format("token %d is not one of 0..%d", token, size - 1));
    }
    if (k < 0) {
        throw py::value_error(format("k = %d must not be negative", k));
    }
}

TopLogprobs top_logprobs(const Context& self, int32_t index, llama_token token, int k) {
    return with_context(self, [&](ContextHandle& context) {
        const int32_t n_vocab = context.model()->n_vocab();
        check_arguments(token, k, n_vocab);
        const int64_t row = context.resolve_row(index);
        return top_logprobs_of(context.logits() + row * n_vocab, n_vocab, token, k);
    });
}

}  // namespace

void init_logprobs(py::module_& m) {
    m.def("top_logprobs", &top_logprobs, py::arg("context"), py::arg("index"), py::arg("token"),
          py::arg("k"),
          R"(
          Returns log-probabilities (natural logarithms) at one output of a context.

          Args:
            context: The context, after decode().
            index: The output; -1 is the last one.
            token: A token id.
            k: How many of the most likely tokens to return.

          Returns:
            The log-probability of the token, and the k most likely tokens as (token,
            log-probability), best first.

          Raises:
            IndexError: There is no such output.
            ValueError: There is no such token, or k is negative.
          )"_doc);
}

}  // namespace core
