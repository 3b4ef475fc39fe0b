#include "native/probe/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "native/probe/system.h"
#include "native/probe/tensors.h"

namespace probe {
namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

Microseconds cpu_time() { return thread_time(); }

// The types of most published models: F16 and Q8_0, and those of Q4_0 and Q4_K_M files.
constexpr ggml_type kTypes[] = {GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_K,
                                GGML_TYPE_Q6_K};
constexpr int64_t kTokens[] = {1, 64};

// Long enough for the clock to settle: some CPUs lower it for wide vectors, and raise it again a
// millisecond after the last of them.
constexpr std::chrono::milliseconds kTurn{8};

// Wide enough for every layout, and so few rows that a turn computes each product several times:
// one that is interrupted does not count then.
constexpr int64_t kColumns = 768;
constexpr int64_t kRows = 256;

// Numbers without infinities and subnormal ones, which some CPUs take longer for.
std::vector<float> wave() {
    std::vector<float> values(kColumns);
    for (int64_t i = 0; i < kColumns; ++i) {
        values[i] = static_cast<float>(std::cos(static_cast<double>(i)));
    }
    return values;
}

// Sets all rows of a matrix to `row`: to make them different would take longer than multiplying.
void fill(ggml_tensor* matrix, const std::vector<uint8_t>& row) {
    std::vector<uint8_t> rows;
    for (int64_t i = 0; i < ggml_nrows(matrix); ++i) {
        rows.insert(rows.end(), row.begin(), row.end());
    }
    ggml_backend_tensor_set(matrix, rows.data(), 0, rows.size());
}

std::vector<uint8_t> quantized_wave(ggml_type type) {
    std::vector<uint8_t> row(ggml_row_size(type, kColumns));
    ggml_quantize_chunk(type, wave().data(), row.data(), 0, 1, kColumns, nullptr);
    return row;
}

ggml_backend_buffer_type_t layout_of_loader(ggml_backend_dev_t device, ggml_backend_t backend,
                                            ggml_type type, const Shape& shape) {
    const std::vector<ggml_backend_buffer_type_t> layouts = buffer_types(device);
    const auto special =
        std::find_if(layouts.begin() + 1, layouts.end(), [&](ggml_backend_buffer_type_t layout) {
            return is_accepted_at_load(backend, layout, type, shape);
        });
    return special == layouts.end() ? layouts.front() : *special;
}

class TimedProduct {
  public:
    TimedProduct(ggml_backend_dev_t device, ggml_backend_t backend, ggml_type type, int64_t tokens)
        : result_{type, tokens, std::numeric_limits<double>::infinity()},
          backend_(backend),
          context_(make_context()) {
        const Shape shape{kColumns, kRows, tokens};
        const Tensors tensors = make_tensors(context_.get(), type, shape, tokens);
        weights_ =
            allocate_weights(layout_of_loader(device, backend, type, shape), tensors.weights);
        rest_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend));
        fill(tensors.weights, quantized_wave(type));
        fill(tensors.input, quantized_wave(GGML_TYPE_F32));
        graph_ = ggml_new_graph_custom(context_.get(), 8, false);
        ggml_build_forward_expand(graph_, tensors.result);
    }

    void compute() {
        const Microseconds start = cpu_time();
        ggml_backend_graph_compute(backend_, graph_);
        result_.microseconds = std::min(result_.microseconds, (cpu_time() - start).count());
    }

    const Timing& result() const { return result_; }

  private:
    Timing result_;
    ggml_backend_t backend_;
    Context context_;
    Buffer weights_;
    Buffer rest_;
    ggml_cgraph* graph_ = nullptr;
};

// The products of one variant.
class Bench {
  public:
    explicit Bench(ggml_backend_dev_t device) : backend_(ggml_backend_dev_init(device, nullptr)) {
        set_threads(device, backend_.get(), 1);
        for (const ggml_type type : kTypes) {
            for (const int64_t tokens : kTokens) {
                products_.emplace_back(device, backend_.get(), type, tokens);
            }
        }
    }

    void take_turn() {
        const Microseconds end = cpu_time() + kTurn;
        do {
            for (TimedProduct& product : products_) {
                product.compute();
            }
        } while (cpu_time() < end);
    }

    std::vector<Timing> results() const {
        std::vector<Timing> results;
        for (const TimedProduct& product : products_) {
            results.push_back(product.result());
        }
        return results;
    }

  private:
    Backend backend_;
    std::vector<TimedProduct> products_;
};

}  // namespace

std::vector<std::vector<Timing>> time_products(const std::vector<ggml_backend_dev_t>& devices,
                                               double seconds) {
    const Microseconds end = cpu_time() + std::chrono::duration<double>(seconds);
    std::vector<Bench> benches(devices.begin(), devices.end());
    do {
        for (size_t i = 0; i < benches.size() && (i == 0 || cpu_time() < end); ++i) {
            benches[i].take_turn();
        }
    } while (cpu_time() < end);
    std::vector<std::vector<Timing>> results;
    for (const Bench& bench : benches) {
        results.push_back(bench.results());
    }
    return results;
}

}  // namespace probe
