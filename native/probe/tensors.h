// The tensors of a matrix product in the shapes of models, and the layouts that a backend has for
// its weights.
#ifndef NATIVE_PROBE_TENSORS_H_
#define NATIVE_PROBE_TENSORS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"

namespace probe {

struct Free {
    void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
    void operator()(ggml_context* context) const { ggml_free(context); }
    void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
using Backend = std::unique_ptr<ggml_backend, Free>;
using Context = std::unique_ptr<ggml_context, Free>;
using Buffer = std::unique_ptr<ggml_backend_buffer, Free>;

struct Shape {
    int64_t columns;           // of the weights: the length of the sums
    int64_t rows;              // of each matrix of the weights
    int64_t tokens;            // rows of each plane of the input
    int64_t matrices = 1;      // heads of MLA, or experts
    int64_t planes = 1;        // of the input, ne[2]: a multiple of `matrices`
    int64_t sequences = 1;     // of the input, ne[3]
    int64_t experts_used = 0;  // by each token; more than 0: MUL_MAT_ID
    bool shared = false;       // the experts of a token have the same input
    bool permuted = false;     // tokens and planes are swapped in memory, as in MLA
};

struct Tensors {
    ggml_tensor* weights;
    ggml_tensor* input;
    ggml_tensor* experts;  // null for MUL_MAT
    ggml_tensor* result;
};

// Returns a context for the tensors of one product, without their memory.
Context make_context();

Tensors make_tensors(ggml_context* context, ggml_type type, const Shape& shape, int64_t tokens);

// Whether llama.cpp's loader would put weights into `layout`. It asks before there is an input, for
// a contiguous one of 512 tokens.
bool is_accepted_at_load(ggml_backend_t backend, ggml_backend_buffer_type_t layout, ggml_type type,
                         Shape shape);

// Allocates the weights alone, in `layout`.
Buffer allocate_weights(ggml_backend_buffer_type_t layout, ggml_tensor* weights);

// Returns the buffer types for weights: ordinary memory, and the device's own for repacked and AMX
// layouts.
std::vector<ggml_backend_buffer_type_t> buffer_types(ggml_backend_dev_t device);

void set_threads(ggml_backend_dev_t device, ggml_backend_t backend, int count);

}  // namespace probe

#endif  // NATIVE_PROBE_TENSORS_H_
