// Saving and restoring the memory of a context.
//
// llama.cpp trusts the bytes that it restores. They are therefore wrapped: a header says how long
// they are, what they hash to and of which model they are, and nothing else reaches llama.cpp.
#ifndef NATIVE_CORE_SAVED_STATE_H_
#define NATIVE_CORE_SAVED_STATE_H_

#include <cstddef>

#include "native/core/context_handle.h"

namespace core {

// All fail with StateError, and expect what ContextHandle's methods expect.

// Bytes that save_state() writes now, at most.
size_t saved_state_size(ContextHandle& context);

// Returns how many bytes of the buffer the state took.
size_t save_state(ContextHandle& context, char* buffer, size_t capacity);

// Damaged or foreign bytes leave the context as it was; a state that does not fit, empty.
void restore_state(ContextHandle& context, const char* state, size_t size);

}  // namespace core

#endif  // NATIVE_CORE_SAVED_STATE_H_
