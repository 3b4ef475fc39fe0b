// Prints sizes, offsets, enumerators and signatures of llama.cpp's headers as JSON, as this
// compiler sees them. A type is its kind and size: `i4` signed, `u4` unsigned, `f4` floating, `s16`
// struct, `p` pointer, `bool`, `void`.
#include <cstddef>
#include <cstdio>
#include <string>
#include <type_traits>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"
#include "gguf.h"
#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"

namespace {

template <typename T>
std::string kind() {
    if constexpr (std::is_void_v<T>) {
        return "void";
    } else if constexpr (std::is_same_v<T, bool>) {
        return "bool";
    } else if constexpr (std::is_pointer_v<T>) {
        return "p";
    } else if constexpr (std::is_enum_v<T>) {
        return "i" + std::to_string(sizeof(T));  // its values fit into an int of either sign
    } else {
        const char letter = std::is_class_v<T> || std::is_union_v<T> ? 's'
                            : std::is_floating_point_v<T>            ? 'f'
                            : std::is_signed_v<T>                    ? 'i'
                                                                     : 'u';
        return letter + std::to_string(sizeof(T));
    }
}

template <typename Result, typename... Parameters>
std::string signature(Result (*)(Parameters...)) {
    std::string text = kind<Result>();
    ((text += " " + kind<std::remove_cv_t<Parameters>>()), ...);
    return text;
}

void print(const std::string& name, const std::string& fact) {
    static const char* separator = "{";
    std::printf("%s\n\"%s\": \"%s\"", separator, name.c_str(), fact.c_str());
    separator = ",";
}

}  // namespace

#define NUMBER(name) print(#name, std::to_string(static_cast<long long>(name)));
#define RECORD(name) print("sizeof " #name, std::to_string(sizeof(name)));
#define MEMBER(record, member)                                                  \
    print(#record "." #member, std::to_string(offsetof(record, member)) + " " + \
                                   std::to_string(sizeof(std::declval<record>().member)));
// Nothing is linked: only the type counts.
#define FUNCTION(name) print(#name "()", signature(static_cast<decltype(&name)>(nullptr)));

int main() {
#include "llama_cpp/_capi/names.inc"
    std::puts("\n}");
}
