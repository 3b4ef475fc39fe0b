// Python's signal handlers during native calls (interrupt.h), and the exceptions they raise.
#ifndef NATIVE_BINDING_INTERPRETER_SIGNALS_H_
#define NATIVE_BINDING_INTERPRETER_SIGNALS_H_

#include <pybind11/pybind11.h>

namespace core {

// Returns whether this is the thread in which Python runs signal handlers.
bool is_main_thread();

// The functions below need the GIL and the main thread.

// Runs the handlers of signals that have arrived. Returns whether an exception is kept; it is until
// the native call has ended.
bool run_signal_handlers();

// Keeps the current Python error like one that a handler raised.
void keep_current_error();

// Whether a Python signal handler raised the exception, while other Python code ran.
bool raised_by_signal_handler(const pybind11::error_already_set& error);

// Makes the kept exception the current Python error; false if there is none.
bool raise_kept_exception();

// Has the interpreter raise the kept exception as soon as it runs Python code again, unless
// raise_kept_exception() comes first: the native call may have ended well after all.
void raise_kept_exception_soon();

}  // namespace core

#endif  // NATIVE_BINDING_INTERPRETER_SIGNALS_H_
