// Ending native calls when the interpreter exits.
//
// Python's daemon threads may be in llama.cpp then. Running calls are told to stop and waited for;
// a thread that comes back later sleeps instead of asking for the GIL (gil.h says why).
#ifndef NATIVE_CORE_SHUTDOWN_H_
#define NATIVE_CORE_SHUTDOWN_H_

namespace core {

// Returns whether the interpreter is exiting: long calls should end, and no thread should ask for
// the GIL.
bool is_exiting();

// A call that runs outside the GIL, from leaving it until having it back.
void enter_native_call();
void leave_native_call();

// Before asking for the GIL again: never returns when the interpreter is exiting, except in the
// thread that called begin_exit().
void stay_away_if_exiting();

// Tells running calls to stop and waits for them, at most some seconds. The caller is one of them.
void begin_exit();

// After fork(): the threads of the parent process do not exist in the child.
void forget_native_calls();

}  // namespace core

#endif  // NATIVE_CORE_SHUTDOWN_H_
