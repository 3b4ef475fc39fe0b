// Conversion of Python arguments and of text that may not be valid UTF-8.
#ifndef NATIVE_BINDING_INTERPRETER_CONVERT_H_
#define NATIVE_BINDING_INTERPRETER_CONVERT_H_

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>
#include <vector>

#include "llama.h"

namespace core {

// str of UTF-8 text; bytes that are not UTF-8 become U+FFFD.
pybind11::str to_str(std::string_view text);

// Token ids out of any sequence of int, or out of a contiguous 1-D int32 buffer (numpy, array).
// TypeError / ValueError when it is something else; the ids are not compared with a vocabulary.
std::vector<llama_token> to_tokens(pybind11::handle object);

// Token ids as an argument of a bound function.
struct Tokens {
    std::vector<llama_token> ids;
};

// A path as an argument of a bound function: str, bytes or os.PathLike, as bytes of the file
// system. Those need not be UTF-8.
struct Path {
    std::string text;
};

// TypeError for other objects, UnicodeEncodeError for text that cannot be a path.
std::string to_path(pybind11::handle object);

// str of a path, like os.fsdecode().
pybind11::str path_to_str(const std::string& path);

}  // namespace core

namespace pybind11::detail {

template <>
struct type_caster<core::Path> {
    PYBIND11_TYPE_CASTER(core::Path, const_name("str | bytes | os.PathLike"));

    bool load(handle source, bool) {
        value.text = core::to_path(source);
        return true;
    }
};

template <>
struct type_caster<core::Tokens> {
    PYBIND11_TYPE_CASTER(
        core::Tokens,
        const_name("collections.abc.Sequence[int] | numpy.typing.NDArray[numpy.int32]"));

    bool load(handle source, bool) {
        value.ids = core::to_tokens(source);
        return true;
    }
};

}  // namespace pybind11::detail

#endif  // NATIVE_BINDING_INTERPRETER_CONVERT_H_
