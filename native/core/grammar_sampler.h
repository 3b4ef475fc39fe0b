// Samplers of llama.cpp for a grammar.
#ifndef NATIVE_CORE_GRAMMAR_SAMPLER_H_
#define NATIVE_CORE_GRAMMAR_SAMPLER_H_

#include <string>
#include <vector>

#include "llama-cpp.h"

namespace core {

// Where a lazy grammar sets in: at a match of a regular expression, or at a token.
struct Triggers {
    std::vector<std::string> patterns;
    std::vector<llama_token> tokens;
};

// Fails with GrammarError if llama.cpp would refuse the grammar or a pattern. Without triggers the
// grammar holds from the beginning.
llama_sampler_ptr make_grammar_sampler(const llama_vocab* vocab, const std::string& text,
                                       const std::string& root, const Triggers* triggers);

}  // namespace core

#endif  // NATIVE_CORE_GRAMMAR_SAMPLER_H_
