// One model that serves many requests: llama.cpp's server without HTTP (tools/server), as C
// functions for ctypes. Any number of threads may call them. Texts are UTF-8.
#ifndef NATIVE_ENGINE_ENGINE_H_
#define NATIVE_ENGINE_ENGINE_H_

#include <stddef.h>
#include <stdint.h>

#define LLAMA_ENGINE_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llama_engine llama_engine;
typedef struct llama_engine_call llama_engine_call;

// Loads a model, with llama-server's options, and starts its loop. `devices` ends with NULL and has
// a ggml_backend_dev_t for each device to use; none for those that the options name. Returns NULL
// on failure; *error then says why, and is freed with llama_engine_free_text().
LLAMA_ENGINE_API llama_engine* llama_engine_load(int32_t n_options, const char** options,
                                                 void** devices, char** error);

// Ends the loop; running calls end with an error or without an answer. Then frees the model. No
// call may begin meanwhile, and all have to be freed before.
LLAMA_ENGINE_API void llama_engine_stop(llama_engine* engine);
LLAMA_ENGINE_API void llama_engine_free(llama_engine* engine);

LLAMA_ENGINE_API void llama_engine_free_text(char* text);

// Begins a call of a route such as "POST /v1/chat/completions". NULL if there is no such route.
LLAMA_ENGINE_API llama_engine_call* llama_engine_call_new(llama_engine* engine, const char* route);

// A parameter of the path or the query, before the call runs; a file of a form, likewise.
LLAMA_ENGINE_API void llama_engine_call_set(llama_engine_call* call, const char* name,
                                            const char* value);
LLAMA_ENGINE_API void llama_engine_call_add_file(llama_engine_call* call, const char* name,
                                                 const char* filename, const char* data,
                                                 size_t size);

// Runs the call until its answer is there, or its first piece. Returns the HTTP status; 0 if it was
// cancelled.
LLAMA_ENGINE_API int32_t llama_engine_call_run(llama_engine_call* call, const char* body,
                                               size_t size);

// Whether the answer comes in pieces, and its content type; after llama_engine_call_run().
LLAMA_ENGINE_API int32_t llama_engine_call_is_stream(llama_engine_call* call);
LLAMA_ENGINE_API const char* llama_engine_call_content_type(llama_engine_call* call);

// Waits for the next piece, or takes the whole answer. Returns 0 after the last one. *data is valid
// until the next call of this function, or llama_engine_call_free().
LLAMA_ENGINE_API int32_t llama_engine_call_next(llama_engine_call* call, const char** data,
                                                size_t* size);

// Has a running function of the call end soon. Any thread may call it, but not after the next one.
LLAMA_ENGINE_API void llama_engine_call_cancel(llama_engine_call* call);

// Frees the call, and the slot that it has.
LLAMA_ENGINE_API void llama_engine_call_free(llama_engine_call* call);

#ifdef __cplusplus
}
#endif

#endif  // NATIVE_ENGINE_ENGINE_H_
