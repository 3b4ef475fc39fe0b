#include "native/core/grammar_sampler.h"

#include "native/core/errors.h"
#include "native/core/grammar_syntax.h"
#include "native/core/log.h"

namespace core {

llama_sampler_ptr make_grammar_sampler(const llama_vocab* vocab, const std::string& text,
                                       const std::string& root, const Triggers* triggers) {
    check_grammar_syntax(text, root, vocab);
    LogCapture log;
    llama_sampler_ptr grammar = call_native(ErrorKind::kGrammar, [&] {
        if (triggers == nullptr) {
            return llama_sampler_ptr(llama_sampler_init_grammar(vocab, text.c_str(), root.c_str()));
        }
        std::vector<const char*> patterns;
        for (const std::string& pattern : triggers->patterns) {
            patterns.push_back(pattern.c_str());
        }
        return llama_sampler_ptr(llama_sampler_init_grammar_lazy_patterns(
            vocab, text.c_str(), root.c_str(), patterns.data(), patterns.size(),
            triggers->tokens.data(), triggers->tokens.size()));
    });
    if (grammar == nullptr) {
        throw Error(ErrorKind::kGrammar, "llama.cpp refuses the grammar: " + log.take());
    }
    return grammar;
}

}  // namespace core
