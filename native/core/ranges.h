// Validation of numbers that llama.cpp takes on trust.
#ifndef NATIVE_CORE_RANGES_H_
#define NATIVE_CORE_RANGES_H_

#include "native/core/errors.h"

namespace core {

// Fails with an error of `kind` that names the parameter unless least <= value <= greatest.
inline void require_range(ErrorKind kind, const char* name, long long value, long long least,
                          long long greatest) {
    if (value < least || value > greatest) {
        throw Error(
            kind, format("%s = %lld is out of range: %lld to %lld", name, value, least, greatest));
    }
}

}  // namespace core

#endif  // NATIVE_CORE_RANGES_H_
