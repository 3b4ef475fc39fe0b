// Validation of the parameters of a context.
#ifndef NATIVE_CORE_CONTEXT_PARAMS_H_
#define NATIVE_CORE_CONTEXT_PARAMS_H_

#include "llama.h"
#include "native/core/handles.h"

namespace core {

// Fails with ContextError for parameters that would end in a failed assertion or a crash.
void validate_context_params(const ModelHandle& model, const llama_context_params& params);

}  // namespace core

#endif  // NATIVE_CORE_CONTEXT_PARAMS_H_
