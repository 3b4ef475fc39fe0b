#include "native/probe/product.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace probe {
namespace {

// Largest error of a right kernel. The inputs are numbers that survive ggml's rounding to 8 bits
// unchanged, so that kernels for quantised weights differ from the truth by the rounding of float
// sums only: 3e-7 where measured. One wrong product out of 256 makes 1e-2, as a median.
// Half-precision weights are summed in half precision by some ARM variants.
constexpr double kTolerance = 1e-4;
constexpr double kHalfTolerance = 1e-2;

// Deterministic values in [-1, 1): a linear congruential generator (Knuth's MMIX constants).
std::vector<float> noise(size_t count, uint64_t seed) {
    std::vector<float> values(count);
    for (float& value : values) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        value = static_cast<float>(static_cast<double>(seed >> 40) / (1 << 23) - 1.0);
    }
    return values;
}

// Whole numbers from -127 to 127, with 127 in each block of 32: to 8 bits per block of 32 (256 for
// K-quants) with a scale of 1 they are rounded exactly.
std::vector<float> whole_numbers(size_t count, uint64_t seed) {
    std::vector<float> values = noise(count, seed);
    for (size_t i = 0; i < count; ++i) {
        values[i] = i % 32 == 0 ? 127.0f : std::round(127.0f * values[i]);
    }
    return values;
}

std::vector<uint8_t> quantize(ggml_type type, int64_t rows, int64_t columns, uint64_t seed) {
    std::vector<uint8_t> quantized(rows * ggml_row_size(type, columns));
    const std::vector<float> exact = noise(rows * columns, seed);
    const std::vector<float> importance(columns, 1.0f);
    ggml_quantize_chunk(type, exact.data(), quantized.data(), 0, rows, columns,
                        ggml_quantize_requires_imatrix(type) ? importance.data() : nullptr);
    return quantized;
}

// Returns the numbers that the quantised bytes stand for.
std::vector<float> dequantize(ggml_type type, const std::vector<uint8_t>& quantized,
                              int64_t count) {
    std::vector<float> values(count);
    if (type == GGML_TYPE_F32) {
        std::copy_n(reinterpret_cast<const float*>(quantized.data()), count, values.data());
    } else {
        ggml_get_type_traits(type)->to_float(quantized.data(), values.data(), count);
    }
    return values;
}

double dot(const float* a, const float* b, int64_t count) {
    double parts[4] = {0, 0, 0, 0};  // independent of each other, so that the CPU need not wait
    for (int64_t i = 0; i < count; i += 4) {
        for (int64_t j = 0; j < 4; ++j) {
            parts[j] += static_cast<double>(a[i + j]) * b[i + j];
        }
    }
    return parts[0] + parts[1] + parts[2] + parts[3];
}

}  // namespace

Product::Product(ggml_type type, const Shape& shape, uint64_t seed)
    : type_(type),
      shape_(shape),
      weights_(quantize(type, shape.rows * shape.matrices, shape.columns, seed)),
      input_(whole_numbers(inputs_per_token() * shape.tokens * shape.columns, seed + 1)),
      result_(results_per_token() * shape.tokens * shape.rows) {
    const std::vector<float> values =
        dequantize(type, weights_, shape.rows * shape.matrices * shape.columns);
    for (size_t i = 0; i < result_.size(); ++i) {
        const int64_t index = static_cast<int64_t>(i) / shape.rows;
        const int64_t row = matrix_of(index) * shape.rows + static_cast<int64_t>(i) % shape.rows;
        result_[i] = dot(&values[row * shape.columns], &input_[input_of(index) * shape.columns],
                         shape.columns);
    }
}

int64_t Product::results_per_token() const {
    return shape_.experts_used ? shape_.experts_used : shape_.planes * shape_.sequences;
}

int64_t Product::inputs_per_token() const { return shape_.shared ? 1 : results_per_token(); }

// Returns the place of a row of the input or result for the first `tokens` among the rows for all.
int64_t Product::position(int64_t index, int64_t tokens) const {
    return shape_.experts_used ? index : index / tokens * shape_.tokens + index % tokens;
}

// Different for the slots of a token; neighbours share some, so that experts get several rows.
int32_t Product::expert(int64_t token, int64_t slot) const {
    return static_cast<int32_t>((token / 3 + slot) % shape_.matrices);
}

int64_t Product::matrix_of(int64_t result) const {
    if (shape_.experts_used) {
        return expert(result / shape_.experts_used, result % shape_.experts_used);
    }
    return result / shape_.tokens % shape_.planes * shape_.matrices / shape_.planes;
}

int64_t Product::input_of(int64_t result) const {
    return shape_.shared ? result / shape_.experts_used : result;
}

std::vector<int32_t> Product::experts(int64_t tokens) const {
    std::vector<int32_t> numbers;
    for (int64_t token = 0; token < tokens; ++token) {
        for (int64_t slot = 0; slot < shape_.experts_used; ++slot) {
            numbers.push_back(expert(token, slot));
        }
    }
    return numbers;
}

// The rows of the first `tokens`, in the order in which the input lies in memory.
std::vector<float> Product::input(int64_t tokens) const {
    const int64_t count = inputs_per_token() * tokens;
    std::vector<float> values;
    values.reserve(count * shape_.columns);
    for (int64_t i = 0; i < count; ++i) {
        int64_t index = i;
        if (shape_.permuted) {
            const int64_t within = i % (shape_.planes * tokens);
            index += within % shape_.planes * tokens + within / shape_.planes - within;
        }
        const float* row = &input_[position(index, tokens) * shape_.columns];
        values.insert(values.end(), row, row + shape_.columns);
    }
    return values;
}

double Product::relative_error(const std::vector<float>& result, int64_t tokens) const {
    double largest = 0;
    double difference = 0;
    for (size_t i = 0; i < result.size(); ++i) {
        const int64_t index = static_cast<int64_t>(i) / shape_.rows;
        const double exact =
            result_[position(index, tokens) * shape_.rows + static_cast<int64_t>(i) % shape_.rows];
        largest = std::max(largest, std::fabs(exact));
        // A NaN must not disappear in std::max.
        const double off = std::fabs(exact - result[i]);
        difference = std::isfinite(off) ? std::max(difference, off) : INFINITY;
    }
    return difference / largest;
}

Outcome Product::compute(ggml_backend_t backend, ggml_backend_buffer_type_t layout,
                         int64_t tokens) const {
    if (!is_accepted_at_load(backend, layout, type_, shape_)) {
        return {Outcome::State::kNoKernel};
    }
    const Context context = make_context();
    const Tensors tensors = make_tensors(context.get(), type_, shape_, tokens);
    const Buffer storage = allocate_weights(layout, tensors.weights);
    const Buffer rest(ggml_backend_alloc_ctx_tensors(context.get(), backend));
    if (!ggml_backend_supports_op(backend, tensors.result)) {
        return {Outcome::State::kRefused};
    }
    ggml_backend_tensor_set(tensors.weights, weights_.data(), 0, weights_.size());
    ggml_backend_tensor_set(tensors.input, input(tokens).data(), 0, ggml_nbytes(tensors.input));
    if (tensors.experts) {
        ggml_backend_tensor_set(tensors.experts, experts(tokens).data(), 0,
                                ggml_nbytes(tensors.experts));
    }
    // NaN, so that a kernel that adds to memory which it did not set finds no zeros there by
    // chance.
    ggml_backend_tensor_memset(tensors.result, 0xff, 0, ggml_nbytes(tensors.result));
    ggml_cgraph* graph = ggml_new_graph_custom(context.get(), 8, false);
    ggml_build_forward_expand(graph, tensors.result);
    if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS) {
        return {Outcome::State::kFailed};
    }
    std::vector<float> result(ggml_nelements(tensors.result));
    ggml_backend_tensor_get(tensors.result, result.data(), 0, ggml_nbytes(tensors.result));
    return {Outcome::State::kComputed, relative_error(result, tokens)};
}

std::string Product::fault(const Outcome& outcome, ggml_backend_buffer_type_t layout,
                           int64_t tokens) const {
    std::string symptom;
    switch (outcome.state) {
        case Outcome::State::kNoKernel:
            return "";
        case Outcome::State::kRefused:
            symptom = "taken at load, refused in use";
            break;
        case Outcome::State::kFailed:
            symptom = "failed";
            break;
        case Outcome::State::kComputed: {
            if (outcome.error <= (type_ == GGML_TYPE_F16 ? kHalfTolerance : kTolerance)) {
                return "";
            }
            char text[64];
            std::snprintf(text, sizeof(text), "off by %.3g of the largest value", outcome.error);
            symptom = text;
        }
    }
    const auto number = [](int64_t value) { return std::to_string(value); };
    return std::string(ggml_type_name(type_)) + " in " + ggml_backend_buft_name(layout) + ", " +
           (shape_.experts_used ? number(shape_.experts_used) + " of " : "") +
           number(shape_.matrices) + " x " + number(shape_.rows) + " x " + number(shape_.columns) +
           ", input " + number(shape_.sequences) + " x " + number(shape_.planes) + " x " +
           number(tokens) + (shape_.permuted ? " permuted" : "") +
           (shape_.shared ? " shared" : "") + ": " + symptom;
}

}  // namespace probe
