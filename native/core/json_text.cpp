#include "native/core/json_text.h"

namespace core {
namespace {

constexpr int kDeepest = 256;

// Brackets in double quotes do not count.
void check_nesting(const std::string& text, ErrorKind kind, const std::string& name) {
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
            throw Error(kind, name + format(" nests deeper than %d levels", kDeepest));
        }
    }
}

}  // namespace

common_json parse_json(const std::string& text, ErrorKind kind, const std::string& name) {
    check_nesting(text, kind, name);
    try {
        return common_json::parse(text);
    } catch (const common_json_error& error) {
        throw Error(kind, name + " is not valid JSON: " + error.what());
    }
}

}  // namespace core
