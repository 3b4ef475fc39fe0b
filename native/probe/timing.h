// The time that a CPU variant takes for the matrix products of models.
#ifndef NATIVE_PROBE_TIMING_H_
#define NATIVE_PROBE_TIMING_H_

#include <cstdint>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"

namespace probe {

struct Timing {
    ggml_type type;
    int64_t tokens;  // 1: decoding; more: a prompt
    double microseconds;
};

// Times products with weights of common types, on one thread, in the layouts that llama.cpp's
// loader chooses. The devices take turns until `seconds` of CPU time are over, so that load which
// comes and goes meets all alike. Returns a row for each device: the shortest time of each product,
// infinity if it had no turn.
std::vector<std::vector<Timing>> time_products(const std::vector<ggml_backend_dev_t>& devices,
                                               double seconds);

}  // namespace probe

#endif  // NATIVE_PROBE_TIMING_H_
