// The Python class Speculation: guesses of the next tokens.
#include "native/core/speculation.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/params.h"
#include "native/binding/model/model.h"
#include "native/core/ranges.h"

namespace py = pybind11;

namespace core {
namespace {

// common_ngram_map and common_speculative_draft_params count in 16 bits.
constexpr int kMostTokens = UINT16_MAX;

// The native object belongs to the context, which may be closed before this one.
class PySpeculation {
  public:
    PySpeculation(std::shared_ptr<Context> context, std::shared_ptr<Speculation> speculation)
        : context_(std::move(context)), speculation_(speculation) {}

    // Calls `function(speculation)` with the GIL released, while no other thread uses the context.
    template <typename Function>
    auto with(Function&& function) const {
        return with_context(*context_, [&](ContextHandle&) {
            const std::shared_ptr<Speculation> speculation = speculation_.lock();
            if (speculation == nullptr) {
                throw Error(ErrorKind::kClosed, "the context has another Speculation now");
            }
            return function(*speculation);
        });
    }

  private:
    std::shared_ptr<Context> context_;
    std::weak_ptr<Speculation> speculation_;
};

void set_lengths(common_params_speculative& params, std::optional<int> n_max,
                 std::optional<int> n_min) {
    if (n_max.has_value()) {
        require_range(ErrorKind::kValue, "n_max", *n_max, 1, kMostTokens);
        params.draft.n_max = params.ngram_mod.n_max = *n_max;
        for (common_params_speculative_ngram_map* map :
             {&params.ngram_simple, &params.ngram_map_k, &params.ngram_map_k4v}) {
            map->size_m = static_cast<uint16_t>(*n_max);
        }
        params.ngram_mod.n_min = std::min(params.ngram_mod.n_min, *n_max);
    }
    if (n_min.has_value()) {
        require_range(ErrorKind::kValue, "n_min", *n_min, 0, n_max.value_or(kMostTokens));
        params.draft.n_min = params.ngram_mod.n_min = *n_min;
    }
}

void set_ngrams(common_params_speculative& params, int size_n, int min_hits, int n_match) {
    require_range(ErrorKind::kValue, "size_n", size_n, 1, kMostTokens);
    require_range(ErrorKind::kValue, "min_hits", min_hits, 1, kMostTokens);
    require_range(ErrorKind::kValue, "n_match", n_match, 1, kMostTokens);
    for (common_params_speculative_ngram_map* map :
         {&params.ngram_simple, &params.ngram_map_k, &params.ngram_map_k4v}) {
        map->size_n = static_cast<uint16_t>(size_n);
        map->min_hits = static_cast<uint16_t>(min_hits);
    }
    params.ngram_mod.n_match = n_match;
}

std::unique_ptr<PySpeculation> make(const std::shared_ptr<Context>& context,
                                    const Model* draft_model,
                                    const CopyOf<llama_context_params>& context_params,
                                    const std::vector<std::string>& types, std::optional<int> n_max,
                                    std::optional<int> n_min, float p_min, int size_n, int min_hits,
                                    int n_match, const Path& lookup_cache_static,
                                    const Path& lookup_cache_dynamic) {
    common_params_speculative params;
    params.types = common_speculative_types_from_names(types);
    set_lengths(params, n_max, n_min);
    set_ngrams(params, size_n, min_hits, n_match);
    params.draft.p_min = p_min;
    params.ngram_cache = {lookup_cache_static.text, lookup_cache_dynamic.text};
    std::shared_ptr<ModelHandle> model = draft_model == nullptr ? nullptr : draft_model->get();
    auto speculation = with_context(*context, [&](ContextHandle& target) {
        return Speculation::attach(target, std::move(model), context_params.params,
                                   std::move(params));
    });
    return std::make_unique<PySpeculation>(context, std::move(speculation));
}

std::vector<llama_token> draft(const PySpeculation& self, const Tokens& tokens, llama_pos last_pos,
                               int n_max) {
    return self.with(
        [&](Speculation& speculation) { return speculation.draft(tokens.ids, last_pos, n_max); });
}

void bind_speculation(py::module_& m) {
    py::class_<PySpeculation> cls(m, "Speculation",
                                  "Guesses how sequence 0 of a context goes on, by llama-common.");
    cls.def(py::init(&make), py::arg("context"), py::arg("draft_model"), py::arg("context_params"),
            py::kw_only(), py::arg("types"), py::arg("n_max"), py::arg("n_min"), py::arg("p_min"),
            py::arg("size_n"), py::arg("min_hits"), py::arg("n_match"),
            py::arg("lookup_cache_static"), py::arg("lookup_cache_dynamic"),
            R"(
            Loads nothing; a second one for the same context takes the place of the first.

            Args:
              context: The context whose text is guessed.
              draft_model: A model that guesses; None: n-grams, or the model's own layers.
              context_params: Of the draft model's context. Its size is that of `context`.
              types: llama.cpp's names of the ways to guess, at most one with a draft model.
              n_max: Most tokens of a draft; None: llama.cpp's default of the type.
              n_min: Shorter drafts are dropped; None: llama.cpp's default.
              p_min: Probability below which a draft model ends its draft.
              size_n: Tokens of the n-gram that ngram-simple and the ngram-maps look up.
              min_hits: Times that ngram-map-k4v has seen the n-gram.
              n_match: Tokens that ngram-mod looks up.
              lookup_cache_static: File of ngram-cache; empty: none.
              lookup_cache_dynamic: A second one.

            Raises:
              ModelLoadError: The draft model does not fit to the model.
              ContextError: The draft model's context cannot be created.
              ValueError: A number is out of range.
            )"_doc);
    cls.def(
        "begin",
        [](const PySpeculation& self, const Tokens& tokens) {
            self.with([&](Speculation& speculation) { speculation.begin(tokens.ids); });
        },
        py::arg("tokens"), "Begins a generation after these tokens.");
    cls.def("draft", &draft, py::arg("tokens"), py::arg("last_pos"), py::arg("n_max"),
            R"(
            Guesses the tokens after a text.

            Args:
              tokens: The text. All but the last one are evaluated.
              last_pos: Position of the last one.
              n_max: Most tokens to return.

            Returns:
              Tokens, often none.
            )"_doc);
    cls.def(
        "accept",
        [](const PySpeculation& self, int n_accepted) {
            self.with([&](Speculation& speculation) { speculation.accept(n_accepted); });
        },
        py::arg("n_accepted"), "Tells how many tokens of the last draft were right.");
    m.def(
        "speculative_types_of_file",
        [](const Path& path) {
            GilRelease release;
            return speculative_types_of_file(path.text);
        },
        py::arg("path"),
        R"(
        Returns the types of Speculation that a draft model's file is made for.

        Args:
          path: A GGUF file.

        Returns:
          llama.cpp's names; ``draft-simple`` for a model without anything special.

        Raises:
          ModelLoadError: It cannot be read.
        )"_doc);
}

}  // namespace

void init_speculation(py::module_& m) { bind_speculation(m); }

}  // namespace core
