// Tries ggml's CPU variants in a process of its own, so that a broken one cannot kill the caller's.
//
//   ggml-cpu-probe score LIBRARY...
//       prints "LIBRARY SCORE" for each; 0 means that this CPU cannot run it
//   ggml-cpu-probe check LIBRARY
//       multiplies small matrices with that variant and compares the results
//
// Exit status: 0 good, 1 bad (standard output or error says why), 2 wrong usage. A variant that
// uses instructions which the CPU, the hypervisor or the operating system does not really offer
// ends this process by a signal.
#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"

namespace {

// One row of K-quants has 256 columns; 64 rows are whole tiles for the AMX kernels (ggml-cpu/amx:
// 32) and whole groups for the repacked ones (ggml-cpu/repack.cpp: 8).
constexpr int64_t kColumns = 256;
constexpr int64_t kRows = 64;

// Largest error, relative to the largest true result. The activations are numbers that survive
// ggml's rounding to 8 bits unchanged, so that kernels for quantised weights differ from the truth
// by the rounding of float sums only: 2e-7 where measured. One wrong product out of 256 makes 1e-2,
// as a median. Half-precision weights are summed in half precision by some ARM variants.
constexpr double kTolerance = 1e-4;
constexpr double kHalfTolerance = 1e-2;

struct Free {
    void operator()(ggml_context* context) const { ggml_free(context); }
    void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
    void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
using Context = std::unique_ptr<ggml_context, Free>;
using Backend = std::unique_ptr<ggml_backend, Free>;
using Buffer = std::unique_ptr<ggml_backend_buffer, Free>;

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
std::vector<float> make_activations(size_t count) {
    std::vector<float> values = noise(count, 2);
    for (size_t i = 0; i < count; ++i) {
        values[i] = i % 32 == 0 ? 127.0f : std::round(127.0f * values[i]);
    }
    return values;
}

struct Weights {
    ggml_type type;
    std::vector<uint8_t> quantized;
    std::vector<float> values;  // what the quantised bytes mean
};

Weights make_weights(ggml_type type) {
    Weights weights{type, std::vector<uint8_t>(kRows * ggml_row_size(type, kColumns)),
                    std::vector<float>(kRows * kColumns)};
    const std::vector<float> exact = noise(kRows * kColumns, 1);
    ggml_quantize_chunk(type, exact.data(), weights.quantized.data(), 0, kRows, kColumns, nullptr);
    ggml_get_type_traits(type)->to_float(weights.quantized.data(), weights.values.data(),
                                         kRows * kColumns);
    return weights;
}

// Largest difference between `result` and weights * activations, relative to the largest true
// value.
double relative_error(const Weights& weights, const std::vector<float>& activations,
                      const std::vector<float>& result) {
    double largest = 0;
    double difference = 0;
    for (size_t i = 0; i < result.size(); ++i) {
        const float* row = &weights.values[(i % kRows) * kColumns];
        const float* column = &activations[(i / kRows) * kColumns];
        double exact = 0;
        for (int64_t k = 0; k < kColumns; ++k) {
            exact += static_cast<double>(row[k]) * column[k];
        }
        largest = std::max(largest, std::fabs(exact));
        // A NaN must not disappear in std::max.
        const double off = std::fabs(exact - result[i]);
        difference = std::isfinite(off) ? std::max(difference, off) : INFINITY;
    }
    return difference / largest;
}

// Buffer types that weights can lie in: ordinary memory, and what the variant has for repacked and
// AMX layouts.
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

// Multiplies `weights`, laid out in a buffer of `layout`, with `batch` columns. Returns the
// relative error, or a negative number where the variant has no kernel for that layout.
double try_product(ggml_backend_t backend, ggml_backend_buffer_type_t layout,
                   const Weights& weights, int64_t batch) {
    const Context context(
        ggml_init({ggml_tensor_overhead() * 8 + ggml_graph_overhead(), nullptr, true}));
    ggml_tensor* matrix = ggml_new_tensor_2d(context.get(), weights.type, kColumns, kRows);
    ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, kColumns, batch);
    ggml_tensor* product = ggml_mul_mat(context.get(), matrix, input);

    // Whether there is a kernel is asked of a tensor in such a buffer, as llama.cpp's loader does.
    const Buffer empty(ggml_backend_buft_alloc_buffer(layout, 0));
    matrix->buffer = empty.get();
    const bool supported = ggml_backend_supports_op(backend, product);
    matrix->buffer = nullptr;
    if (!supported) {
        return -1;
    }
    const Buffer storage(
        ggml_backend_buft_alloc_buffer(layout, ggml_backend_buft_get_alloc_size(layout, matrix)));
    ggml_backend_buffer_set_usage(storage.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_backend_tensor_alloc(storage.get(), matrix, ggml_backend_buffer_get_base(storage.get()));
    const Buffer rest(ggml_backend_alloc_ctx_tensors(context.get(), backend));

    const std::vector<float> activations = make_activations(kColumns * batch);
    std::vector<float> result(kRows * batch);
    ggml_backend_tensor_set(matrix, weights.quantized.data(), 0, weights.quantized.size());
    ggml_backend_tensor_set(input, activations.data(), 0, ggml_nbytes(input));
    ggml_cgraph* graph = ggml_new_graph_custom(context.get(), 4, false);
    ggml_build_forward_expand(graph, product);
    if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS) {
        return INFINITY;
    }
    ggml_backend_tensor_get(product, result.data(), 0, ggml_nbytes(product));
    return relative_error(weights, activations, result);
}

void use_one_thread(ggml_backend_dev_t device, ggml_backend_t backend) {
    const auto set_threads =
        reinterpret_cast<ggml_backend_set_n_threads_t>(ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads"));
    if (set_threads) {
        set_threads(backend, 1);
    }
}

// What the caller reads when something is wrong shall not drown in ggml's chatter.
void log_errors_only(ggml_log_level level, const char* text, void*) {
    if (level == GGML_LOG_LEVEL_ERROR) {
        std::fputs(text, stderr);
    }
}

int check(const char* library) {
    ggml_log_set(log_errors_only, nullptr);
    const ggml_backend_reg_t registry = ggml_backend_load(library);
    if (!registry || !ggml_backend_reg_dev_count(registry)) {
        std::printf("bad: %s can't be loaded\n", library);
        return 1;
    }
    ggml_backend_dev_t device = ggml_backend_reg_dev_get(registry, 0);
    const Backend backend(ggml_backend_dev_init(device, nullptr));
    use_one_thread(device, backend.get());
    double worst = 0;
    int products = 0;
    for (const ggml_type type : {GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_K}) {
        const Weights weights = make_weights(type);
        const double tolerance = type == GGML_TYPE_F16 ? kHalfTolerance : kTolerance;
        for (ggml_backend_buffer_type_t layout : buffer_types(device)) {
            for (const int64_t batch : {1, 32}) {
                const double error = try_product(backend.get(), layout, weights, batch);
                if (error > tolerance) {
                    std::printf("bad: %s in %s, batch %d: off by %.3g of the largest value\n",
                                ggml_type_name(type), ggml_backend_buft_name(layout),
                                static_cast<int>(batch), error);
                    return 1;
                }
                products += error >= 0;
                worst = std::max(worst, error);
            }
        }
    }
    std::printf("ok max_rel_err=%.3g over %d products\n", worst, products);
    return 0;
}

int score(int count, char** libraries) {
    for (int i = 0; i < count; ++i) {
        void* library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        using Score = int (*)();
        const auto function =
            library ? reinterpret_cast<Score>(dlsym(library, "ggml_backend_score")) : nullptr;
        if (!function) {
            std::fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        std::printf("%s %d\n", libraries[i], function());
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // Dying by a signal is an answer here: no core file, and no debugger for a failed assertion.
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    setenv("GGML_NO_BACKTRACE", "1", 1);
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "score" && argc > 2) {
        return score(argc - 2, argv + 2);
    }
    if (command == "check" && argc == 3) {
        return check(argv[2]);
    }
    std::fprintf(stderr, "usage: %s score LIBRARY... | %s check LIBRARY\n", argv[0], argv[0]);
    return 2;
}
