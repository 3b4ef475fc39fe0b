#include "native/core/thought_limit.h"

#include <algorithm>

#include "unicode.h"

namespace core {
namespace {

std::string text_of(const llama_vocab* vocab, const std::vector<llama_token>& tokens) {
    std::string text;
    for (llama_token token : tokens) {
        text += common_token_to_piece(vocab, token, true);
    }
    return text;
}

size_t longest(const std::vector<std::string>& texts) {
    size_t length = 0;
    for (const std::string& text : texts) {
        length = std::max(length, text.size());
    }
    return length;
}

}  // namespace

ThoughtLimit::ThoughtLimit(const llama_vocab* vocab, const common_params_sampling& params)
    : vocab_(vocab),
      ending_(params.reasoning_budget_forced),
      given_(params.generation_prompt),
      budget_(params.reasoning_budget_tokens) {
    const std::string start = text_of(vocab, params.reasoning_budget_start);
    if (!start.empty()) {
        starts_.push_back(start);
    }
    for (const std::vector<llama_token>& tokens : params.reasoning_budget_end) {
        const std::string end = text_of(vocab, tokens);
        if (!end.empty()) {
            ends_.push_back(end);
        }
    }
    reset();
}

void ThoughtLimit::reset() {
    if (budget_ < 0 || starts_.empty() || ends_.empty() || ending_.empty()) {
        return;  // no limit
    }
    state_ = State::kOutside;
    n_ended_ = 0;
    text_ = given_;
    follow();
    end_if_used_up();
}

llama_token ThoughtLimit::demanded() const {
    return state_ == State::kEnding ? ending_[n_ended_] : LLAMA_TOKEN_NULL;
}

void ThoughtLimit::accept(llama_token token) {
    if (state_ == State::kOff) {
        return;
    }
    if (state_ == State::kEnding) {
        if (++n_ended_ == ending_.size()) {
            state_ = State::kOutside;
            n_ended_ = 0;
            text_.clear();
        }
        return;
    }
    if (state_ == State::kInside) {
        ++used_;
    }
    text_ += common_token_to_piece(vocab_, token, true);
    follow();
    end_if_used_up();
}

// Goes from tag to tag.
void ThoughtLimit::follow() {
    for (bool found = true; found;) {
        if (state_ == State::kOutside) {
            found = cut_at(starts_);
            if (found) {
                state_ = State::kInside;
                used_ = 0;
            }
        } else {
            found = cut_at(ends_);
            if (found) {
                state_ = State::kOutside;
            }
        }
    }
}

// Drops the text up to the end of the first of `tags`. Without one, the text that is too far back
// for a tag to begin in it.
bool ThoughtLimit::cut_at(const std::vector<std::string>& tags) {
    size_t first = std::string::npos;
    size_t length = 0;
    for (const std::string& tag : tags) {
        const size_t at = text_.find(tag);
        if (at < first) {
            first = at;
            length = tag.size();
        }
    }
    if (first != std::string::npos) {
        text_.erase(0, first + length);
        return true;
    }
    constexpr size_t kLongestCharacter = 4;  // end_if_used_up() looks at the last one
    const size_t kept = std::min(text_.size(), std::max(longest(tags), kLongestCharacter));
    text_.erase(0, text_.size() - kept);
    return false;
}

// Not within a character: the tag would make it invalid.
void ThoughtLimit::end_if_used_up() {
    if (state_ == State::kInside && used_ >= budget_ && common_utf8_is_complete(text_)) {
        state_ = State::kEnding;
        text_.clear();
    }
}

}  // namespace core
