// Triggers of a lazy grammar as Python has them.
#ifndef NATIVE_BINDING_MODEL_GRAMMAR_TRIGGERS_H_
#define NATIVE_BINDING_MODEL_GRAMMAR_TRIGGERS_H_

#include <string>
#include <tuple>
#include <vector>

#include "common.h"

namespace core {

// The numbers are COMMON_GRAMMAR_TRIGGER_TYPE_*.
enum class TriggerType { kToken = 0, kWord = 1, kPattern = 2, kFullPattern = 3 };

using GrammarTrigger = std::tuple<TriggerType, std::string, llama_token>;

inline std::vector<GrammarTrigger> to_tuples(const std::vector<common_grammar_trigger>& triggers) {
    std::vector<GrammarTrigger> tuples;
    for (const common_grammar_trigger& trigger : triggers) {
        tuples.emplace_back(static_cast<TriggerType>(trigger.type), trigger.value, trigger.token);
    }
    return tuples;
}

}  // namespace core

#endif  // NATIVE_BINDING_MODEL_GRAMMAR_TRIGGERS_H_
