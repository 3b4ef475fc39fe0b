// Guesses of the next tokens by llama-common's speculators, for sequence 0 of a context.
#ifndef NATIVE_CORE_SPECULATION_H_
#define NATIVE_CORE_SPECULATION_H_

#include <memory>
#include <string>
#include <vector>

#include "common.h"
#include "llama-cpp.h"
#include "llama.h"
#include "native/core/context_handle.h"
#include "native/core/handles.h"
#include "speculative.h"

namespace core {

// Returns the types that a draft model's file is made for, by llama.cpp's names.
std::vector<std::string> speculative_types_of_file(const std::string& path);

// Every method expects that the caller holds the target's `busy` and not the GIL.
//
// A speculator that reads tokens (draft-simple) gets those that it lacks in draft(). One that reads
// the target's hidden states gets them after each batch of the target, and has no guesses as long
// as it has missed some of the text: after restoring a state, or behind an image.
class Speculation final : public BatchObserver {
  public:
    // The target owns the result. `draft_model` may be null: n-grams, or the target's own layers.
    // `draft_params` are those of the draft's context, but for the fields that llama-common sets.
    static std::shared_ptr<Speculation> attach(ContextHandle& target,
                                               std::shared_ptr<ModelHandle> draft_model,
                                               const llama_context_params& draft_params,
                                               common_params_speculative params);
    Speculation(ContextHandle& target, std::shared_ptr<ModelHandle> draft_model,
                const llama_context_params& draft_params, common_params_speculative params);

    // Begins a text whose first tokens are these.
    void begin(const std::vector<llama_token>& tokens);

    // Returns at most `n_max` tokens that may follow `tokens`, whose last one has the position
    // `last_pos` and is not evaluated yet.
    std::vector<llama_token> draft(const std::vector<llama_token>& tokens, llama_pos last_pos,
                                   int32_t n_max);

    // Tells how many tokens of the last draft() the target agreed with.
    void accept(int32_t n_accepted);

    void before_decode(llama_pos pos0) override;
    void after_batch(const llama_token* tokens, size_t n_tokens, llama_pos pos0) override;

  private:
    bool has_type(common_speculative_type type) const;
    bool reads_states() const;
    void open_draft(std::shared_ptr<ModelHandle> model, llama_context_params params);
    void drop_from(size_t n_kept);
    void read(const llama_token* tokens, size_t n_tokens);
    bool is_ready(const std::vector<llama_token>& text);
    void keep_what_draft_evaluated(const std::vector<llama_token>& text,
                                   const std::vector<llama_token>& guesses);

    ContextHandle& target_;
    common_params_speculative params_;
    std::unique_ptr<ContextHandle> draft_;  // null: n-grams
    common_speculative_ptr speculators_;    // they refer to the draft
    common_batch batch_;
    bool draft_can_go_back_ = true;
    bool has_drafted_ = false;       // since begin(), so that there is something to accept
    std::vector<llama_token> held_;  // tokens that the draft has read
};

}  // namespace core

#endif  // NATIVE_CORE_SPECULATION_H_
