#include "llama_cpp/_core/nesting.h"

namespace core {
namespace {

constexpr int kDeepest = 256;

}  // namespace

void check_nesting(const std::string& text, ErrorKind kind, const char* what) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
        switch (text[i]) {
            case '\\':
                ++i;
                break;
            case '"':
                in_string = !in_string;
                break;
            case '(':
            case '[':
            case '{':
                depth += in_string ? 0 : 1;
                break;
            case ')':
            case ']':
            case '}':
                depth -= in_string || depth == 0 ? 0 : 1;
                break;
            default:
                break;
        }
        if (depth > kDeepest) {
            throw Error(kind, format("%s nests deeper than %d levels", what, kDeepest));
        }
    }
}

}  // namespace core
