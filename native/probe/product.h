// Matrix products of known result, in the shapes of models, to test a ggml backend.
#ifndef NATIVE_PROBE_PRODUCT_H_
#define NATIVE_PROBE_PRODUCT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "native/probe/tensors.h"

namespace probe {

struct Outcome {
    enum class State { kNoKernel, kRefused, kFailed, kComputed };
    State state;
    double error = 0;  // largest difference from the true result, relative to its largest value
};

// Weights and input made of random numbers, with their product.
class Product {
  public:
    Product(ggml_type type, const Shape& shape, uint64_t seed);

    // Computes with weights that lie in a buffer of `layout`, for the first `tokens` only.
    Outcome compute(ggml_backend_t backend, ggml_backend_buffer_type_t layout,
                    int64_t tokens) const;

    // Returns the reason why the outcome is a fault of the backend; "" if it is none.
    std::string fault(const Outcome& outcome, ggml_backend_buffer_type_t layout,
                      int64_t tokens) const;

  private:
    int64_t results_per_token() const;
    int64_t inputs_per_token() const;
    int64_t position(int64_t index, int64_t tokens) const;
    int32_t expert(int64_t token, int64_t slot) const;
    int64_t matrix_of(int64_t result) const;
    int64_t input_of(int64_t result) const;
    std::vector<float> input(int64_t tokens) const;
    std::vector<int32_t> experts(int64_t tokens) const;
    double relative_error(const std::vector<float>& result, int64_t tokens) const;

    ggml_type type_;
    Shape shape_;
    std::vector<uint8_t> weights_;
    // Rows in the order (sequence, plane, token) or (token, expert).
    std::vector<float> input_;
    std::vector<double> result_;
};

}  // namespace probe

#endif  // NATIVE_PROBE_PRODUCT_H_
