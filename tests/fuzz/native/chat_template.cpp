// A chat template, and texts for it, each ended by a NUL: messages, tools, a schema, an answer. The
// template is one of llama.cpp's by the first two bytes, or, if these are 0xFFFF, a text too.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "native/core/chat_templates.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {
namespace {

constexpr unsigned short kOwnText = 0xFFFF;

using Templates = std::vector<std::unique_ptr<core::ChatTemplates>>;

// In the order of the files' names.
Templates& templates() {
    static Templates all;
    return all;
}

std::unique_ptr<core::ChatTemplates> compile(const std::string& source) {
    return std::make_unique<core::ChatTemplates>(nullptr, source, "<s>", "</s>");
}

core::ChatArguments arguments_of(Parts& parts) {
    core::ChatArguments arguments{};
    const unsigned char flags = parts.byte();
    arguments.messages = parts.text();
    arguments.tools = parts.text();
    arguments.json_schema = parts.text();
    arguments.tool_choice = (flags & 1) != 0 ? "required" : "auto";
    arguments.add_generation_prompt = (flags & 2) != 0;
    arguments.continue_final_message = (flags & 4) != 0;
    arguments.parallel_tool_calls = (flags & 8) != 0;
    arguments.enable_thinking = (flags & 16) != 0;
    arguments.reasoning_format = (flags & 32) != 0 ? "auto" : "none";
    arguments.now = 0.0;
    return arguments;
}

}  // namespace

void prepare() {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(environment("TEMPLATES"))) {
        paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
        templates().push_back(compile(read_file(path)));
    }
}

void run(std::string_view input) {
    Parts parts(input);
    const unsigned short choice = parts.number();
    std::unique_ptr<core::ChatTemplates> own;
    if (choice == kOwnText) {
        own = compile(parts.text());
    }
    const core::ChatTemplates& chosen = own ? *own : *templates()[choice % templates().size()];
    const auto prompt = chosen.apply(arguments_of(parts));
    const std::string answer(parts.rest());
    prompt->parse(answer, true);
    prompt->parse(answer, false);
}

}  // namespace fuzz
