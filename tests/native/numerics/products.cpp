// Multiplies random matrices with a CPU variant of ggml, and compares with the true products.
//
//   products LIBRARY SEED ROUNDS TYPE...
//
// Prints a line for each fault. Exit status: 0 good, 1 faults, 2 wrong usage.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "native/probe/product.h"

namespace {

struct Free {
    void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
};

constexpr int64_t kMostTokens = 300;
// Of one weight matrix: bounds the time of one product.
constexpr int64_t kMostValues = 24 * 1024;

class Random {
  public:
    explicit Random(uint64_t seed) : engine_(seed) {}

    int64_t between(int64_t least, int64_t most) {
        return std::uniform_int_distribution<int64_t>(least, most)(engine_);
    }
    // Small numbers are as likely as large ones.
    int64_t of_any_size(int64_t least, int64_t most) {
        return between(least, between(least, most));
    }
    bool one_in(int n) { return between(1, n) == 1; }

  private:
    std::mt19937_64 engine_;
};

// Rows as models have them, multiples of 32 or 8, and any other number.
int64_t random_rows(Random& random) {
    const int64_t unit = random.one_in(2) ? 32 : random.one_in(2) ? 8 : 1;
    return unit * random.of_any_size(1, 192 / unit);
}

probe::Shape random_shape(Random& random, int64_t block) {
    probe::Shape shape{};
    shape.rows = random_rows(random);
    const int64_t most_blocks =
        std::max<int64_t>(1, std::min<int64_t>(40, kMostValues / shape.rows / block));
    shape.columns = block * random.of_any_size(1, most_blocks);
    shape.tokens = random.of_any_size(1, kMostTokens);
    switch (random.between(1, 4)) {
        case 1:
            break;
        case 2:
            shape.matrices = random.between(1, 4);
            shape.planes = shape.matrices * random.between(1, 2);
            shape.permuted = random.one_in(2);
            break;
        case 3:
            shape.planes = random.between(1, 4);
            shape.sequences = random.between(1, 3);
            shape.permuted = random.one_in(2);
            break;
        case 4:
            shape.matrices = random.between(1, 8);
            shape.experts_used = random.between(1, shape.matrices);
            shape.shared = random.one_in(2);
            break;
    }
    shape.tokens = std::max<int64_t>(1, shape.tokens / (shape.planes * shape.sequences));
    return shape;
}

std::vector<int64_t> random_tokens(Random& random, int64_t most) {
    std::vector<int64_t> tokens{1, most};
    for (int i = 0; i < 4; ++i) {
        tokens.push_back(random.of_any_size(1, most));
    }
    return tokens;
}

ggml_type find_type(const std::string& name) {
    for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
        const auto type = static_cast<ggml_type>(i);
        if (ggml_type_name(type) && name == ggml_type_name(type)) {
            return type;
        }
    }
    std::fprintf(stderr, "ggml has no type named %s\n", name.c_str());
    std::exit(2);
}

// Another library of the process may release the tiles of AMX, which belong to the thread.
#if defined(__x86_64__)
__attribute__((target("amx-tile"))) void release_tiles() { __builtin_ia32_tilerelease(); }
#else
void release_tiles() {}
#endif

bool has_amx(ggml_backend_reg_t registry) {
    const auto features = reinterpret_cast<ggml_backend_get_features_t>(
        ggml_backend_reg_get_proc_address(registry, "ggml_backend_get_features"));
    for (const ggml_backend_feature* feature = features(registry); feature->name; ++feature) {
        if (std::string(feature->name) == "AMX_INT8") {
            return true;
        }
    }
    return false;
}

void log_errors_only(ggml_log_level level, const char* text, void*) {
    if (level == GGML_LOG_LEVEL_ERROR) {
        std::fputs(text, stderr);
    }
}

class Sweep {
  public:
    Sweep(ggml_backend_dev_t device, uint64_t seed)
        : device_(device),
          layouts_(probe::buffer_types(device)),
          backend_(ggml_backend_dev_init(device, nullptr)),
          has_amx_(has_amx(ggml_backend_dev_backend_reg(device))),
          random_(seed) {}

    void try_one(ggml_type type) {
        const probe::Shape shape =
            random_shape(random_, std::max<int64_t>(ggml_blck_size(type), 32));
        const probe::Product product(type, shape, random_.between(1, 1 << 30));
        const int threads = random_.one_in(16) ? 2 : 1;
        probe::set_threads(device_, backend_.get(), threads);
        for (const int64_t tokens : random_tokens(random_, shape.tokens)) {
            for (ggml_backend_buffer_type_t layout : layouts_) {
                report(product.fault(compute(product, layout, tokens), layout, tokens), threads);
            }
        }
    }

    int products() const { return products_; }
    int faults() const { return faults_; }
    double worst() const { return worst_; }

  private:
    probe::Outcome compute(const probe::Product& product, ggml_backend_buffer_type_t layout,
                           int64_t tokens) {
        if (has_amx_) {
            release_tiles();
        }
        const probe::Outcome outcome = product.compute(backend_.get(), layout, tokens);
        products_ += outcome.state != probe::Outcome::State::kNoKernel;
        worst_ = std::max(worst_, outcome.error);
        return outcome;
    }

    void report(const std::string& fault, int threads) {
        if (!fault.empty()) {
            ++faults_;
            std::printf("%s (%d threads)\n", fault.c_str(), threads);
            std::fflush(stdout);
        }
    }

    ggml_backend_dev_t device_;
    std::vector<ggml_backend_buffer_type_t> layouts_;
    std::unique_ptr<ggml_backend, Free> backend_;
    bool has_amx_;
    Random random_;
    double worst_ = 0;
    int products_ = 0;
    int faults_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s LIBRARY SEED ROUNDS TYPE...\n", argv[0]);
        return 2;
    }
    ggml_log_set(log_errors_only, nullptr);
    const ggml_backend_reg_t registry = ggml_backend_load(argv[1]);
    if (!registry) {
        std::fprintf(stderr, "%s can't be loaded\n", argv[1]);
        return 2;
    }
    Sweep sweep(ggml_backend_reg_dev_get(registry, 0), std::strtoull(argv[2], nullptr, 10));
    for (int round = 0; round < std::atoi(argv[3]); ++round) {
        for (int i = 4; i < argc; ++i) {
            sweep.try_one(find_type(argv[i]));
        }
    }
    std::printf("%d products, %d faults, largest error %.3g\n", sweep.products(), sweep.faults(),
                sweep.worst());
    return sweep.faults() > 0;
}
