// From tokens to text that can be shown at once.
#ifndef NATIVE_CORE_TEXT_STREAM_H_
#define NATIVE_CORE_TEXT_STREAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "native/core/handles.h"

namespace core {

// Finds a string in bytes that come one by one (Knuth, Morris, Pratt).
class StopMatcher {
  public:
    explicit StopMatcher(std::string stop);

    // Takes the next byte; returns whether the stop string is complete with it.
    bool push(char byte);
    // Returns how many of the last bytes are the beginning of the stop string.
    size_t matched() const { return matched_; }
    const std::string& stop() const { return stop_; }

  private:
    std::string stop_;
    std::vector<size_t> fallback_;
    size_t matched_ = 0;
};

// One thread at a time, else BusyError.
class TextStream {
  public:
    // `begun`: the first bytes of a character that the first token goes on with.
    TextStream(std::shared_ptr<ModelHandle> model, const std::vector<std::string>& stops,
               bool special, const std::vector<llama_token>& preserved, std::string begun = {});

    // Both return whole characters, as far as the bytes are UTF-8 at all. flush() ends the text and
    // leaves out a character that is incomplete then.
    std::string push(llama_token token);
    std::string flush();

    bool stopped() const { return stop().has_value(); }
    std::optional<std::string> stop() const;
    int64_t n_bytes() const;

  private:
    std::string_view piece_of(llama_token token);
    bool append(std::string_view piece);
    std::string take_text(size_t size, bool is_final);

    mutable std::atomic<bool> busy_{false};
    std::shared_ptr<ModelHandle> model_;
    bool special_;
    std::unordered_set<llama_token> preserved_;
    std::vector<StopMatcher> matchers_;
    std::string pending_;  // not shown yet
    std::string piece_;
    std::optional<std::string> stop_;
    int64_t n_bytes_ = 0;
};

}  // namespace core

#endif  // NATIVE_CORE_TEXT_STREAM_H_
