// Errors, and the one way to call llama.cpp. The binding turns errors into Python exceptions.
#ifndef NATIVE_CORE_ERRORS_H_
#define NATIVE_CORE_ERRORS_H_

#include <exception>
#include <string>
#include <utility>

#include "native/core/interrupt.h"

namespace core {

// One per exception class of llama_cpp/_errors.py, and two of Python's own.
enum class ErrorKind {
    kLlama,
    kModelLoad,
    kContext,
    kWeightLayout,
    kContextOverflow,
    kDecode,
    kAborted,
    kGrammar,
    kChatTemplate,
    kTokenize,
    kMedia,
    kState,
    kClosed,
    kBusy,
    kBackend,
    kRemoteServer,
    kValue,  // ValueError
    kIndex,  // IndexError
};

class Error : public std::exception {
  public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

    ErrorKind kind() const { return kind_; }
    const char* what() const noexcept override { return message_.c_str(); }

  private:
    ErrorKind kind_;
    std::string message_;
};

// printf into a std::string.
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
std::string format(const char* pattern, ...);

// A failed GGML_ASSERT below a NativeScope. Not a std::exception: llama.cpp's own handlers must not
// swallow it half way.
struct NativeAssertion {
    std::string message;
};

// While one lives, a failed GGML_ASSERT of this thread throws NativeAssertion instead of ending the
// process. Everything reachable from Python is validated beforehand; this is for the faults that
// remain.
class NativeScope {
  public:
    NativeScope();
    ~NativeScope();
    NativeScope(const NativeScope&) = delete;
    NativeScope& operator=(const NativeScope&) = delete;
};

// The text of the exception being handled; call it inside a catch block only. It reads exceptions
// of other shared libraries too: each of ours carries its own C++ runtime with its own copy of the
// type information, so `catch (const std::exception&)` does not see libllama's exceptions.
std::string describe_current_exception();

// Returns whether the exception being handled is a NativeAssertion.
bool is_assertion();

// Returns the Error for the exception being handled: of `kind`, or RemoteServerError with a remedy
// where an RPC server was lost.
Error error_of_current_exception(ErrorKind kind);

// Throws the error again if it tells of a lost server, for which no file is to blame.
void pass_on_lost_server(const Error& error);

// Calls llama.cpp. Any exception in there leaves as an Error of `kind`.
template <typename Call>
auto call_native(ErrorKind kind, Call&& call) -> decltype(call()) {
    NativeScope scope;
    try {
        return call();
    } catch (const Error&) {
        throw;
    } catch (const Interrupted&) {
        throw;
    } catch (...) {
        throw error_of_current_exception(kind);
    }
}

// Makes failed assertions of ggml arrive in NativeScope. Once, before anything can fail.
void install_abort_handler();

}  // namespace core

#endif  // NATIVE_CORE_ERRORS_H_
