#include "native/core/text_stream.h"

#include <algorithm>
#include <utility>

namespace core {
namespace {

// Length of the character that begins with this byte; 0 for a byte that cannot begin one.
size_t utf8_length(unsigned char lead) {
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// Returns whether a byte may follow. The second byte of some characters has a smaller range than
// the others.
bool may_be_second(unsigned char lead, unsigned char second) {
    const unsigned char least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char greatest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return second >= least && second <= greatest;
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Returns how many bytes at the end are the beginning of a character that more bytes could
// complete.
size_t incomplete_tail(std::string_view text) {
    size_t tail = 1;
    while (tail < text.size() && tail < 4 && is_continuation(text[text.size() - tail])) {
        ++tail;
    }
    if (tail > text.size()) {
        return 0;
    }
    const std::string_view end = text.substr(text.size() - tail);
    const auto lead = static_cast<unsigned char>(end[0]);
    const bool fits = tail < 2 || may_be_second(lead, static_cast<unsigned char>(end[1]));
    return tail < utf8_length(lead) && fits ? tail : 0;
}

}  // namespace

StopMatcher::StopMatcher(std::string stop) : stop_(std::move(stop)), fallback_(stop_.size(), 0) {
    size_t length = 0;
    for (size_t i = 1; i < stop_.size(); ++i) {
        while (length > 0 && stop_[i] != stop_[length]) {
            length = fallback_[length - 1];
        }
        length += stop_[i] == stop_[length] ? 1 : 0;
        fallback_[i] = length;
    }
}

bool StopMatcher::push(char byte) {
    while (matched_ > 0 && byte != stop_[matched_]) {
        matched_ = fallback_[matched_ - 1];
    }
    matched_ += byte == stop_[matched_] ? 1 : 0;
    return matched_ == stop_.size();
}

TextStream::TextStream(std::shared_ptr<ModelHandle> model, const std::vector<std::string>& stops,
                       bool special, const std::vector<llama_token>& preserved, std::string begun)
    : model_(std::move(model)),
      special_(special),
      preserved_(preserved.begin(), preserved.end()),
      pending_(std::move(begun)),
      piece_(64, '\0') {
    model_->check_has_vocab();
    for (const std::string& stop : stops) {
        if (!stop.empty()) {
            matchers_.emplace_back(stop);
        }
    }
}

std::string TextStream::push(llama_token token) {
    BusyLock busy(busy_, "TextStream");
    model_->check_token(token, ErrorKind::kTokenize);
    if (stop_.has_value()) {
        return {};
    }
    const std::string_view piece = piece_of(token);
    n_bytes_ += static_cast<int64_t>(piece.size());
    if (append(piece)) {
        return take_text(pending_.size(), true);
    }
    size_t held = 0;
    for (const StopMatcher& matcher : matchers_) {
        held = std::max(held, matcher.matched());
    }
    return take_text(pending_.size() - held, false);
}

std::string TextStream::flush() {
    BusyLock busy(busy_, "TextStream");
    std::string text = take_text(pending_.size(), false);
    pending_.clear();
    return text;
}

std::optional<std::string> TextStream::stop() const {
    BusyLock busy(busy_, "TextStream");
    return stop_;
}

int64_t TextStream::n_bytes() const {
    BusyLock busy(busy_, "TextStream");
    return n_bytes_;
}

std::string_view TextStream::piece_of(llama_token token) {
    const bool special = special_ || preserved_.count(token) > 0;
    for (;;) {
        const int32_t size = llama_token_to_piece(model_->vocab(), token, piece_.data(),
                                                  static_cast<int32_t>(piece_.size()), 0, special);
        if (size >= 0) {
            return {piece_.data(), static_cast<size_t>(size)};
        }
        piece_.resize(static_cast<size_t>(-size));
    }
}

// Adds text up to the first stop string that becomes complete; returns whether one did. Of several
// that end at the same byte it is the longest.
bool TextStream::append(std::string_view piece) {
    for (char byte : piece) {
        pending_.push_back(byte);
        const StopMatcher* longest = nullptr;
        for (StopMatcher& matcher : matchers_) {
            if (matcher.push(byte) &&
                (longest == nullptr || matcher.stop().size() > longest->stop().size())) {
                longest = &matcher;
            }
        }
        if (longest != nullptr) {
            stop_ = longest->stop();
            pending_.resize(pending_.size() - stop_->size());
            return true;
        }
    }
    return false;
}

// Takes the first `size` bytes of the pending text. Unless `is_final`, an incomplete UTF-8
// character at their end stays.
std::string TextStream::take_text(size_t size, bool is_final) {
    std::string text = pending_.substr(0, size);
    if (!is_final) {
        text.resize(size - incomplete_tail(text));
    }
    pending_.erase(0, text.size());
    return text;
}

}  // namespace core
