// Choosing the next token: llama-common's samplers, and a grammar beside them.
#ifndef NATIVE_CORE_SAMPLER_H_
#define NATIVE_CORE_SAMPLER_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common.h"
#include "llama-cpp.h"
#include "llama.h"
#include "native/core/context_handle.h"
#include "native/core/handles.h"
#include "native/core/thought_limit.h"

namespace core {

// The chain (logit bias, penalties, then the rest) chooses a token from the whole vocabulary. The
// grammar checks that token alone. Only if it does not fit, the grammar is applied to the whole
// vocabulary, which is slow, and then the chain again.
//
// llama-common's common_sampler works like this too, but keeps its grammar in a place where nothing
// can ask it whether a token fits, and stops the process if one does not. So its chain is used
// here, and the grammar is ours.
//
// The caller holds `busy`.
class Sampler {
  public:
    Sampler(std::shared_ptr<ModelHandle> model, common_params_sampling params);
    Sampler(const Sampler& other);
    Sampler& operator=(const Sampler&) = delete;

    std::atomic<bool> busy{false};

    const ModelHandle& model() const { return *model_; }
    llama_token sample(ContextHandle& context, int32_t index);
    llama_token sample(const float* logits);
    void accept(llama_token token, bool is_generated);
    void accept_history(const std::vector<llama_token>& tokens);
    void reset();
    uint32_t seed() const { return llama_sampler_get_seed(chain_.get()); }
    std::string describe() const;

  private:
    void load_candidates(const float* logits);
    llama_token apply_chain();
    bool fits_grammar(llama_token token);
    void apply_grammar();
    void accept_in_grammar(llama_token token);
    void prefill_grammar();

    std::shared_ptr<ModelHandle> model_;
    llama_sampler_ptr chain_;
    llama_sampler_ptr grammar_;  // null: none
    ThoughtLimit thought_limit_;
    std::string generation_prompt_;
    size_t history_size_;   // as many tokens as the penalties look back on
    bool is_plain_argmax_;  // greedy, and nothing in front of it
    std::vector<llama_token_data> candidates_;
    llama_token_data_array array_{};
};

}  // namespace core

#endif  // NATIVE_CORE_SAMPLER_H_
