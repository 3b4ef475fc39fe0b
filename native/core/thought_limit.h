// Ends a thought of the model that has taken too many tokens.
#ifndef NATIVE_CORE_THOUGHT_LIMIT_H_
#define NATIVE_CORE_THOUGHT_LIMIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common.h"
#include "llama.h"

namespace core {

// Follows the text of an answer. Within a thought, after reasoning_budget_tokens tokens, it demands
// the tokens that end it (reasoning_budget_forced) instead of those that are drawn.
//
// llama-common's own sampler for this compares tokens. Where a tag is no token of its own, a
// tokenizer may merge its end with the text behind it, and the tag is missed. So texts are compared
// here, and the fields of llama-common that have tags as tokens stand for their texts.
class ThoughtLimit {
  public:
    ThoughtLimit() = default;  // no limit
    ThoughtLimit(const llama_vocab* vocab, const common_params_sampling& params);

    // The token that has to come next, or LLAMA_TOKEN_NULL.
    llama_token demanded() const;
    void accept(llama_token token);
    void reset();

  private:
    enum class State { kOff, kOutside, kInside, kEnding };

    void follow();
    bool cut_at(const std::vector<std::string>& tags);
    void end_if_used_up();

    const llama_vocab* vocab_ = nullptr;
    std::vector<std::string> starts_;  // one, or none
    std::vector<std::string> ends_;
    std::vector<llama_token> ending_;
    std::string given_;  // the end of the prompt
    int32_t budget_ = -1;
    State state_ = State::kOff;
    int32_t used_ = 0;
    size_t n_ended_ = 0;  // of `ending_`
    std::string text_;    // since the last tag, as far as a tag may begin in it
};

}  // namespace core

#endif  // NATIVE_CORE_THOUGHT_LIMIT_H_
