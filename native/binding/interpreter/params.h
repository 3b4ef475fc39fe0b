// Properties for the fields of llama.cpp's parameter structs, and these structs as arguments.
//
// Without the GIL two threads may use a parameter object at the same time. Its texts, lists and
// maps are touched in a critical section of the object only; a number is written in one piece.
#ifndef NATIVE_BINDING_INTERPRETER_PARAMS_H_
#define NATIVE_BINDING_INTERPRETER_PARAMS_H_

#include <pybind11/critical_section.h>
#include <pybind11/pybind11.h>

#include <limits>
#include <type_traits>
#include <utility>

#include "native/core/errors.h"

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

// A property whose functions have the object to themselves: get(const Params&) and
// set(Params&, value). `Value` is the type that Python passes.
template <typename Params, typename Value, typename Class, typename Get, typename Set>
void def_guarded(Class& cls, const char* name, Get get, Set set, const char* doc = "") {
    cls.def_property(
        name,
        [get](const pybind11::object& self) {
            const Params& params = self.cast<const Params&>();
            const pybind11::scoped_critical_section lock(self);
            return get(params);
        },
        [set](const pybind11::object& self, const Value& value) {
            Params& params = self.cast<Params&>();
            const pybind11::scoped_critical_section lock(self);
            set(params, value);
        },
        doc);
}

// A text, list or map as it is.
template <typename Class, typename Params, typename Field>
void def_container(Class& cls, const char* name, Field Params::* field, const char* doc = "") {
    def_guarded<Params, Field>(
        cls, name, [field](const Params& params) { return params.*field; },
        [field](Params& params, const Field& value) { params.*field = value; }, doc);
}

// An argument that is a copy of a parameter object.
template <typename Params>
struct CopyOf {
    Params params;
};

}  // namespace core

namespace pybind11::detail {

template <typename Params>
struct type_caster<core::CopyOf<Params>> {
    PYBIND11_TYPE_CASTER(core::CopyOf<Params>, make_caster<Params>::name);

    bool load(handle source, bool convert) {
        make_caster<Params> original;
        if (!original.load(source, convert)) {
            return false;
        }
        const scoped_critical_section lock(source);
        value.params = cast_op<const Params&>(original);
        return true;
    }
};

}  // namespace pybind11::detail

#endif  // NATIVE_BINDING_INTERPRETER_PARAMS_H_
