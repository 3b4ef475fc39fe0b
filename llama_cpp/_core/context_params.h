// Validation of the parameters of a context.
#ifndef LLAMA_CPP_CORE_CONTEXT_PARAMS_H_
#define LLAMA_CPP_CORE_CONTEXT_PARAMS_H_

#include "llama.h"
#include "llama_cpp/_core/handles.h"

namespace core {

// Fails with ContextError for what llama.cpp would answer with a failed assertion or a crash.
void validate_context_params(const ModelHandle& model, const llama_context_params& params);

}  // namespace core

#endif  // LLAMA_CPP_CORE_CONTEXT_PARAMS_H_
