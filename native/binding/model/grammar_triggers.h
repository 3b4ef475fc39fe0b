// The words and tokens that start a lazy grammar, as Python sees them.
#ifndef NATIVE_BINDING_MODEL_GRAMMAR_TRIGGERS_H_
#define NATIVE_BINDING_MODEL_GRAMMAR_TRIGGERS_H_

#include <string>
#include <tuple>
#include <vector>

#include "common.h"

namespace core {

// Type, text, token.
using GrammarTrigger = std::tuple<int, std::string, llama_token>;

inline std::vector<GrammarTrigger> to_tuples(const std::vector<common_grammar_trigger>& triggers) {
    std::vector<GrammarTrigger> tuples;
    for (const common_grammar_trigger& trigger : triggers) {
        tuples.emplace_back(static_cast<int>(trigger.type), trigger.value, trigger.token);
    }
    return tuples;
}

}  // namespace core

#endif  // NATIVE_BINDING_MODEL_GRAMMAR_TRIGGERS_H_
