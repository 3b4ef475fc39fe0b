#include "native/binding/interpreter/doc.h"

#include <algorithm>

namespace core {

Doc operator""_doc(const char* text, size_t size) {
    std::string_view rest(text, size);
    rest.remove_prefix(std::min(rest.find_first_not_of('\n'), rest.size()));
    rest = rest.substr(0, rest.find_last_not_of(" \n") + 1);
    const size_t indentation = std::min(rest.find_first_not_of(' '), rest.size());
    Doc doc;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        line.remove_prefix(std::min(indentation, line.size()));
        doc.text.append(line).append(rest.empty() ? "" : "\n");
    }
    return doc;
}

}  // namespace core
