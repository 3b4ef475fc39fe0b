#include "native/probe/tensors.h"

namespace probe {
namespace {

Tensors mul_mat_id(ggml_context* context, ggml_tensor* weights, const Shape& shape,
                   int64_t tokens) {
    ggml_tensor* input = ggml_new_tensor_3d(context, GGML_TYPE_F32, shape.columns,
                                            shape.shared ? 1 : shape.experts_used, tokens);
    ggml_tensor* experts = ggml_new_tensor_2d(context, GGML_TYPE_I32, shape.experts_used, tokens);
    return {weights, input, experts, ggml_mul_mat_id(context, weights, input, experts)};
}

Tensors mul_mat(ggml_context* context, ggml_tensor* weights, const Shape& shape, int64_t tokens) {
    if (!shape.permuted) {
        ggml_tensor* input = ggml_new_tensor_4d(context, GGML_TYPE_F32, shape.columns, tokens,
                                                shape.planes, shape.sequences);
        return {weights, input, nullptr, ggml_mul_mat(context, weights, input)};
    }
    ggml_tensor* input = ggml_new_tensor_4d(context, GGML_TYPE_F32, shape.columns, shape.planes,
                                            tokens, shape.sequences);
    ggml_tensor* permuted = ggml_permute(context, input, 0, 2, 1, 3);
    return {weights, input, nullptr, ggml_mul_mat(context, weights, permuted)};
}

}  // namespace

Tensors make_tensors(ggml_context* context, ggml_type type, const Shape& shape, int64_t tokens) {
    ggml_tensor* weights =
        ggml_new_tensor_3d(context, type, shape.columns, shape.rows, shape.matrices);
    return shape.experts_used ? mul_mat_id(context, weights, shape, tokens)
                              : mul_mat(context, weights, shape, tokens);
}

Context make_context() {
    return Context(ggml_init({ggml_tensor_overhead() * 8 + ggml_graph_overhead(), nullptr, true}));
}

bool is_accepted_at_load(ggml_backend_t backend, ggml_backend_buffer_type_t layout, ggml_type type,
                         Shape shape) {
    shape.permuted = false;
    shape.planes = shape.matrices;
    shape.sequences = 1;
    const Context context = make_context();
    const Tensors tensors = make_tensors(context.get(), type, shape, 512);
    const Buffer empty(ggml_backend_buft_alloc_buffer(layout, 0));
    tensors.weights->buffer = empty.get();
    return ggml_backend_supports_op(backend, tensors.result);
}

Buffer allocate_weights(ggml_backend_buffer_type_t layout, ggml_tensor* weights) {
    Buffer buffer(
        ggml_backend_buft_alloc_buffer(layout, ggml_backend_buft_get_alloc_size(layout, weights)));
    ggml_backend_buffer_set_usage(buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_backend_tensor_alloc(buffer.get(), weights, ggml_backend_buffer_get_base(buffer.get()));
    return buffer;
}

std::vector<ggml_backend_buffer_type_t> buffer_types(ggml_backend_dev_t device) {
    std::vector<ggml_backend_buffer_type_t> types{ggml_backend_dev_buffer_type(device)};
    const auto extra =
        reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
    if (extra) {
        for (ggml_backend_buffer_type_t* type = extra(device); type && *type; ++type) {
            types.push_back(*type);
        }
    }
    return types;
}

void set_threads(ggml_backend_dev_t device, ggml_backend_t backend, int count) {
    const auto set =
        reinterpret_cast<ggml_backend_set_n_threads_t>(ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads"));
    if (set) {
        set(backend, count);
    }
}

}  // namespace probe
