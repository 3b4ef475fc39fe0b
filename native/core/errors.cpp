#include "native/core/errors.h"

#include <cxxabi.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

#include "ggml.h"
#include "native/core/assertion.h"

namespace core {
namespace {

thread_local int t_native_depth = 0;

// Mangled name of ggml_backend_rpc_error, which the patch rpc-lost-server has ggml-rpc throw.
constexpr char kLostServer[] = "22ggml_backend_rpc_error";

// Installed with ggml_set_abort_callback. To return from here means abort(). The CPU kernels are
// left to abort: other threads wait for this one at a barrier and could never be stopped.
void on_ggml_abort(const char* message) {
    if (t_native_depth > 0 && std::strstr(message, "ggml-cpu") == nullptr) {
        throw NativeAssertion{message};
    }
    std::fprintf(stderr, "%s\n", message);
}

// Returns whether a class of this mangled name has std::exception at offset 0.
bool is_standard_exception(const char* mangled) {
    static const char* const kNames[] = {
        "St9exception",
        "St9bad_alloc",
        "St11logic_error",
        "St12domain_error",
        "St12length_error",
        "St12out_of_range",
        "St11range_error",
        "St13runtime_error",
        "St14overflow_error",
        "St15underflow_error",
        "St16invalid_argument",
        "NSt3__111regex_errorE",
        "NSt3__112system_errorE",
        "NSt3__18ios_base7failureE",
        "NSt3__14__fs10filesystem16filesystem_errorE",
        "St20bad_array_new_length",
        "NSt3__117bad_function_callE",
        "St18bad_variant_access",
        "St19bad_optional_access",
        kLostServer,
    };
    for (const char* name : kNames) {
        if (std::strcmp(name, mangled) == 0) {
            return true;
        }
    }
    return false;
}

// By the words of the patch rpc-lost-server.
const char* remedy_for(const std::string& lost_server) {
    if (lost_server.find("of the protocol") != std::string::npos) {
        return "Install the same version of llama-cpp-python on both machines.";
    }
    if (lost_server.find("when this process asked first") != std::string::npos) {
        return "Start the server with the same --device, or this process again.";
    }
    return "Look whether `python -m llama_cpp rpc-server` runs there and serves no other client, "
           "start it if not, and load the model again.";
}

std::string describe_foreign_exception() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type == nullptr) {
        return "unknown native exception";
    }
#if defined(_LIBCPP_VERSION)
    if (is_standard_exception(type->name())) {
        void* object = abi::__cxa_current_primary_exception();
        std::string text = static_cast<std::exception*>(object)->what();
        abi::__cxa_decrement_exception_refcount(object);
        return text;
    }
#endif
    return std::string("native exception of type ") + type->name();
}

}  // namespace

std::string format(const char* pattern, ...) {
    va_list args;
    va_start(args, pattern);
    va_list again;
    va_copy(again, args);
    const int size = std::vsnprintf(nullptr, 0, pattern, args);
    va_end(args);
    std::string text(size > 0 ? size : 0, '\0');
    std::vsnprintf(text.data(), text.size() + 1, pattern, again);
    va_end(again);
    return text;
}

NativeScope::NativeScope() { ++t_native_depth; }

NativeScope::~NativeScope() { --t_native_depth; }

std::string describe_current_exception() {
    try {
        throw;
    } catch (const NativeAssertion& assertion) {
        return describe_assertion(assertion.message);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return describe_foreign_exception();
    }
}

bool is_assertion() {
    try {
        throw;
    } catch (const NativeAssertion&) {
        return true;
    } catch (...) {
        return false;
    }
}

Error error_of_current_exception(ErrorKind kind) {
    const std::string reason = describe_current_exception();
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type == nullptr || std::strcmp(type->name(), kLostServer) != 0) {
        return Error(kind, reason);
    }
    return Error(ErrorKind::kRemoteServer, reason + "\n" + remedy_for(reason));
}

void pass_on_lost_server(const Error& error) {
    if (error.kind() == ErrorKind::kRemoteServer) {
        throw error;
    }
}

void install_abort_handler() { ggml_set_abort_callback(on_ggml_abort); }

}  // namespace core
