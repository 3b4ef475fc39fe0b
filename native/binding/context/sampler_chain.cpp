// Sampler chains that Python made through ctypes: the calls in which llama.cpp may throw, which
// would end the process there.
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "llama.h"
#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/init.h"
#include "native/core/errors.h"
#include "native/core/grammar_sampler.h"

namespace py = pybind11;

namespace core {
namespace {

uintptr_t grammar_sampler(uintptr_t vocab, const std::string& text, const std::string& root) {
    const auto* address = reinterpret_cast<const llama_vocab*>(vocab);
    return reinterpret_cast<uintptr_t>(
        make_grammar_sampler(address, text, root, nullptr).release());
}

uintptr_t lazy_grammar_sampler(uintptr_t vocab, const std::string& text, const std::string& root,
                               std::vector<std::string> patterns, std::vector<llama_token> tokens) {
    const auto* address = reinterpret_cast<const llama_vocab*>(vocab);
    const Triggers triggers{std::move(patterns), std::move(tokens)};
    return reinterpret_cast<uintptr_t>(
        make_grammar_sampler(address, text, root, &triggers).release());
}

void accept_chain(uintptr_t chain, llama_token token) {
    call_native(ErrorKind::kGrammar,
                [&] { llama_sampler_accept(reinterpret_cast<llama_sampler*>(chain), token); });
}

llama_token sample_chain(uintptr_t chain, const Context& context, int32_t index) {
    return with_context(context, [&](ContextHandle& handle) {
        return handle.call(ErrorKind::kLlama, [&] {
            if (llama_get_logits_ith(handle.get(), index) == nullptr) {
                throw Error(ErrorKind::kIndex, format("the context has no logits at %d", index));
            }
            return llama_sampler_sample(reinterpret_cast<llama_sampler*>(chain), handle.get(),
                                        index);
        });
    });
}

}  // namespace

void init_sampler_chain(py::module_& m) {
    m.def("sample_chain", &sample_chain, py::arg("chain"), py::arg("context"), py::arg("index"),
          R"(
          Draws a token and accepts it.

          Args:
            chain: Address of a ``llama_sampler``. Its last sampler selects a token.
            context: The context.
            index: Place of the token in the last batch whose logits count; -1: the last output.

          Raises:
            IndexError: There are no logits of that token.
            LlamaError: llama.cpp fails.
          )"_doc);
    m.def("accept_chain", &accept_chain, py::arg("chain"), py::arg("token"),
          R"(
          Tells the samplers of a chain of a token.

          Args:
            chain: Address of a ``llama_sampler``.
            token: The token.

          Raises:
            GrammarError: It does not fit the grammar of one of them.
          )"_doc);
    m.def("grammar_sampler", &grammar_sampler, py::arg("vocab"), py::arg("text"), py::arg("root"),
          R"(
          Makes a ``llama_sampler`` of a grammar, and returns its address.

          Args:
            vocab: Address of a ``llama_vocab``.
            text: The grammar, as GBNF.
            root: The rule to begin with.

          Raises:
            GrammarError: llama.cpp cannot parse it.
          )"_doc);
    m.def("lazy_grammar_sampler", &lazy_grammar_sampler, py::arg("vocab"), py::arg("text"),
          py::arg("root"), py::arg("patterns"), py::arg("tokens"),
          R"(
          Makes a ``llama_sampler`` of a grammar that sets in at a trigger; returns its address.

          Args:
            vocab: Address of a ``llama_vocab``.
            text: The grammar, as GBNF.
            root: The rule to begin with.
            patterns: Regular expressions of triggers.
            tokens: Tokens that are triggers.

          Raises:
            GrammarError: llama.cpp cannot parse it, or a pattern.
          )"_doc);
}

}  // namespace core
