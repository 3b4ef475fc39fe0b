// Properties for the plain fields of llama.cpp's parameter structs.
#ifndef LLAMA_CPP_CORE_PARAMS_BINDING_H_
#define LLAMA_CPP_CORE_PARAMS_BINDING_H_

#include <pybind11/pybind11.h>

#include <limits>
#include <type_traits>

#include "llama_cpp/_core/errors.h"

namespace core {

template <typename T, bool = std::is_enum<T>::value>
struct IntegerOf {
    using type = T;
};
template <typename T>
struct IntegerOf<T, true> {
    using type = std::underlying_type_t<T>;
};

// An integer or enum field as int. A number that the field cannot hold is a ValueError that names
// the field, instead of pybind11's list of signatures.
template <typename Class, typename Params, typename Field>
void def_int(Class& cls, const char* name, Field Params::* field) {
    using Integer = typename IntegerOf<Field>::type;
    cls.def_property(
        name, [field](const Params& params) { return static_cast<Integer>(params.*field); },
        [field, name](Params& params, long long value) {
            const bool too_small =
                std::is_unsigned<Integer>::value
                    ? value < 0
                    : value < static_cast<long long>(std::numeric_limits<Integer>::min());
            const bool too_big = value > 0 && static_cast<unsigned long long>(value) >
                                                  static_cast<unsigned long long>(
                                                      std::numeric_limits<Integer>::max());
            if (too_small || too_big) {
                throw pybind11::value_error(format("%s = %lld is out of range", name, value));
            }
            params.*field = static_cast<Field>(value);
        });
}

}  // namespace core

#endif  // LLAMA_CPP_CORE_PARAMS_BINDING_H_
