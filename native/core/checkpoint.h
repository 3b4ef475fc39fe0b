// A copy of those parts of a sequence's memory that llama.cpp cannot shorten: the states of
// recurrent layers, the keys and values of a sliding window.
#ifndef NATIVE_CORE_CHECKPOINT_H_
#define NATIVE_CORE_CHECKPOINT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "native/core/context_handle.h"

namespace core {

// All fail with StateError, and have the preconditions of ContextHandle's methods.
class Checkpoint {
  public:
    // Copies. The size is checkpoint_size()'s.
    Checkpoint(ContextHandle& context, llama_seq_id seq_id);

    // Puts the copy back, without outputs. Afterwards the sequence ends where it ended when it was
    // copied, in these parts; the others may be longer and are the caller's to shorten. A copy that
    // does not fit leaves the whole memory empty.
    void restore(ContextHandle& context, llama_seq_id seq_id) const;

    size_t size() const { return size_; }

  private:
    uint64_t model_;  // fingerprint
    size_t size_;
    std::unique_ptr<uint8_t[]> data_;  // a vector would write zeros first
};

// Returns the size in bytes of the copy that could be made now.
size_t checkpoint_size(ContextHandle& context, llama_seq_id seq_id);

}  // namespace core

#endif  // NATIVE_CORE_CHECKPOINT_H_
