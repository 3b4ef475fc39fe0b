// Tries ggml's CPU variants in a process of its own, so that a broken one cannot kill the caller's.
//
//   ggml-cpu-probe score LIBRARY...
//       prints "LIBRARY SCORE" for each; 0 means that this CPU cannot run it
//   ggml-cpu-probe check LIBRARY
//       multiplies small matrices with that variant, in the shapes that models have
//   ggml-cpu-probe time MILLISECONDS LIBRARY...
//       prints "LIBRARY TYPE TOKENS MICROSECONDS" for matrix products with each
//
// Exit status: 0 good, 1 bad (standard output or error says why), 2 wrong usage. A variant that
// uses instructions which the CPU, the hypervisor or the operating system does not really offer
// ends this process by a signal, on Windows by an exception.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "native/probe/product.h"
#include "native/probe/system.h"
#include "native/probe/timing.h"

namespace {

// The caller shows this output if the variant is bad; ggml's other messages would hide the reason.
void log_errors_only(ggml_log_level level, const char* text, void*) {
    if (level == GGML_LOG_LEVEL_ERROR) {
        std::fputs(text, stderr);
    }
}

constexpr ggml_type kTypes[] = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16,
                                GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1,
                                GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K};

// One token at a time and the edges of the kernels' tiles: groups of 4 rows for the repacked ones
// (ggml-cpu/repack.cpp), 8 for ggml-cpu/tiled, 16 and 32 for AMX (ggml-cpu/amx).
constexpr int64_t kTokens[] = {1, 2, 7, 16, 17, 31, 32, 33, 64, 80};

// Sums of one block, two and several, since kernels have a branch for the first one. 64 rows are
// whole tiles for the AMX kernels and whole groups for the repacked ones.
std::vector<probe::Shape> shapes(ggml_type type) {
    const int64_t block = std::max<int64_t>(ggml_blck_size(type), 32);
    std::vector<probe::Shape> shapes;
    for (const int64_t blocks : {1, 2, 5}) {
        shapes.push_back({blocks * block, 64, 80});
    }
    probe::Shape heads{block, 32, 33};  // as MLA has them
    heads.matrices = heads.planes = 2;
    heads.permuted = true;
    probe::Shape planes{block, 32, 33};  // several sequences of a recurrent model
    planes.planes = planes.sequences = 2;
    probe::Shape gaps = planes;  // rows of the input that are not next to each other
    gaps.permuted = true;
    probe::Shape experts{block, 32, 33};
    experts.matrices = 4;
    experts.experts_used = 2;
    probe::Shape shared = experts;
    shared.shared = true;
    shapes.insert(shapes.end(), {heads, planes, gaps, experts, shared});
    return shapes;
}

class Check {
  public:
    explicit Check(ggml_backend_dev_t device)
        : layouts_(probe::buffer_types(device)), backend_(ggml_backend_dev_init(device, nullptr)) {
        probe::set_threads(device, backend_.get(), 1);
    }

    // Returns the first fault; "" if there is none.
    std::string run() {
        for (const ggml_type type : kTypes) {
            for (const probe::Shape& shape : shapes(type)) {
                const probe::Product product(type, shape, 1);
                for (ggml_backend_buffer_type_t layout : layouts_) {
                    const std::string fault = try_product(product, layout, shape.tokens);
                    if (!fault.empty()) {
                        return fault;
                    }
                }
            }
        }
        return "";
    }

    std::string summary() const {
        char text[80];
        std::snprintf(text, sizeof(text), "max_rel_err=%.3g over %d products", worst_, products_);
        return text;
    }

  private:
    std::string try_product(const probe::Product& product, ggml_backend_buffer_type_t layout,
                            int64_t most_tokens) {
        for (const int64_t tokens : kTokens) {
            if (tokens > most_tokens) {
                break;
            }
            const probe::Outcome outcome = product.compute(backend_.get(), layout, tokens);
            const std::string fault = product.fault(outcome, layout, tokens);
            if (!fault.empty()) {
                return fault;
            }
            products_ += outcome.state == probe::Outcome::State::kComputed;
            worst_ = std::max(worst_, outcome.error);
        }
        return "";
    }

    std::vector<ggml_backend_buffer_type_t> layouts_;
    probe::Backend backend_;
    double worst_ = 0;
    int products_ = 0;
};

// Returns the device of a variant; null, having said so, if the library can't be loaded.
ggml_backend_dev_t load(const std::string& library) {
    ggml_log_set(log_errors_only, nullptr);
    const ggml_backend_reg_t registry = ggml_backend_load(library.c_str());
    if (!registry || !ggml_backend_reg_dev_count(registry)) {
        std::printf("bad: %s can't be loaded\n", library.c_str());
        return nullptr;
    }
    return ggml_backend_reg_dev_get(registry, 0);
}

int check(const std::string& library) {
    const ggml_backend_dev_t device = load(library);
    if (!device) {
        return 1;
    }
    Check check(device);
    const std::string fault = check.run();
    if (!fault.empty()) {
        std::printf("bad: %s\n", fault.c_str());
        return 1;
    }
    std::printf("ok %s\n", check.summary().c_str());
    return 0;
}

int time(const std::string& milliseconds, const std::vector<std::string>& libraries) {
    std::vector<ggml_backend_dev_t> devices;
    for (const std::string& library : libraries) {
        devices.push_back(load(library));
        if (!devices.back()) {
            return 1;
        }
    }
    const auto times = probe::time_products(devices, std::atof(milliseconds.c_str()) / 1e3);
    for (size_t i = 0; i < libraries.size(); ++i) {
        for (const probe::Timing& timing : times[i]) {
            if (!std::isfinite(timing.microseconds)) {
                continue;
            }
            std::printf("%s %s %d %.2f\n", libraries[i].c_str(), ggml_type_name(timing.type),
                        static_cast<int>(timing.tokens), timing.microseconds);
        }
    }
    return 0;
}

int score(const std::vector<std::string>& libraries) {
    for (const std::string& library : libraries) {
        using Score = int (*)();
        std::string error;
        const auto function =
            reinterpret_cast<Score>(probe::load_symbol(library, "ggml_backend_score", &error));
        if (!function) {
            std::fprintf(stderr, "%s\n", error.c_str());
            return 1;
        }
        std::printf("%s %d\n", library.c_str(), function());
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    probe::die_quietly();
    const std::vector<std::string> words = probe::arguments(argc, argv);
    const std::string command = words.size() > 1 ? words[1] : "";
    if (command == "score" && words.size() > 2) {
        return score({words.begin() + 2, words.end()});
    }
    if (command == "check" && words.size() == 3) {
        return check(words[2]);
    }
    if (command == "time" && words.size() > 3) {
        return time(words[2], {words.begin() + 3, words.end()});
    }
    std::fprintf(stderr,
                 "usage: %s score LIBRARY... | check LIBRARY | time MILLISECONDS LIBRARY...\n",
                 argv[0]);
    return 2;
}
