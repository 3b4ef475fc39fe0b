// Saving and restoring the memory of a context.
//
// llama.cpp trusts the bytes that it restores. So they have a header with their length, their hash
// and their model, and llama.cpp sees no other bytes.
#ifndef NATIVE_CORE_SAVED_STATE_H_
#define NATIVE_CORE_SAVED_STATE_H_

#include <cstddef>
#include <cstdint>

#include "native/core/context_handle.h"

namespace core {

// Returns a number that tells models apart by their sizes.
uint64_t fingerprint(const llama_model* model);

// All fail with StateError, and have the preconditions of ContextHandle's methods.

// Returns the greatest number of bytes that save_state() would write now.
size_t saved_state_size(ContextHandle& context);

// Returns the number of bytes written.
size_t save_state(ContextHandle& context, char* buffer, size_t capacity);

// Damaged or foreign bytes leave the context as it was; a state that does not fit, empty.
void restore_state(ContextHandle& context, const char* state, size_t size);

}  // namespace core

#endif  // NATIVE_CORE_SAVED_STATE_H_
