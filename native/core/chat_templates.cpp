#include "native/core/chat_templates.h"

#include <chrono>
#include <utility>

#include "jinja/limits.h"
#include "native/core/interrupt.h"
#include "native/core/json_text.h"
#include "native/core/log.h"

namespace core {
namespace {

common_json parse_chat_json(const std::string& text, const std::string& name) {
    return parse_json(text, ErrorKind::kChatTemplate, name);
}

// Calls a function that renders a template, once or many times. All renderings together stay within
// the engine's limits (jinja/limits.h).
template <typename Call>
auto call_template(Call&& call) -> decltype(call()) {
    const jinja::limit_scope limits(interrupt_requested);
    // llama-common swallows exceptions of templates that it probes.
    const auto check = [&limits] {
        if (limits.reason() != nullptr) {
            throw Error(ErrorKind::kChatTemplate, limits.reason());
        }
    };
    try {
        auto result = call_native(ErrorKind::kChatTemplate, std::forward<Call>(call));
        check();
        return result;
    } catch (const Error&) {
        check();
        throw;
    }
}

common_chat_templates_inputs make_inputs(const ChatArguments& arguments) {
    common_chat_templates_inputs inputs;
    inputs.messages = common_chat_msgs_parse_oaicompat(
        parse_chat_json(arguments.messages, "the text of the messages"));
    if (!arguments.tools.empty()) {
        inputs.tools = common_chat_tools_parse_oaicompat(
            parse_chat_json(arguments.tools, "the text of the tools"));
    }
    if (!arguments.json_schema.empty()) {
        parse_chat_json(arguments.json_schema, "json_schema");
    }
    for (const auto& [name, value] : arguments.kwargs) {
        parse_chat_json(value, "kwargs['" + name + "']");
    }
    inputs.tool_choice = common_chat_tool_choice_parse_oaicompat(arguments.tool_choice);
    inputs.json_schema = arguments.json_schema;
    inputs.grammar = arguments.grammar;
    inputs.add_generation_prompt = arguments.add_generation_prompt;
    if (arguments.continue_final_message) {
        inputs.continue_final_message = COMMON_CHAT_CONTINUATION_AUTO;
    }
    inputs.parallel_tool_calls = arguments.parallel_tool_calls;
    inputs.enable_thinking = arguments.enable_thinking;
    inputs.reasoning_format = common_reasoning_format_from_name(arguments.reasoning_format);
    inputs.chat_template_kwargs = arguments.kwargs;
    if (arguments.now.has_value()) {
        using Clock = std::chrono::system_clock;
        inputs.now = Clock::time_point(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(*arguments.now)));
    }
    return inputs;
}

std::string render(const std::string& source, const common_json& values) {
    jinja::lexer lexer;
    const jinja::lexer_result tokens = lexer.tokenize(source);
    const jinja::program program = jinja::parse_from_tokens(tokens);
    jinja::context context(tokens.source);
    jinja::global_from_json(context, values, false);
    jinja::runtime runtime(context);
    return jinja::runtime::gather_string_parts(runtime.execute(program))->as_string().str();
}

}  // namespace

common_chat_msg ChatPrompt::parse(const std::string& text, bool is_partial) const {
    const LogErrorsOnly quiet;  // a stream asks at every token, and the exception has the reason
    return call_native(ErrorKind::kChatTemplate, [&] {
        const common_chat_parser_params parser_params(params_);
        return common_chat_peg_parse(params_.parser, common_chat_input(text), is_partial,
                                     parser_params);
    });
}

ChatTemplates::ChatTemplates(std::shared_ptr<ModelHandle> model, const std::string& source,
                             const std::string& bos, const std::string& eos)
    : model_(std::move(model)) {
    try {
        templates_ = call_template([&] {
            return common_chat_templates_init(model_ ? model_->get() : nullptr, source, bos, eos);
        });
    } catch (const Error& error) {
        throw Error(ErrorKind::kChatTemplate, "invalid chat template: " + reason(source, error) +
                                                  "\nCorrect it, or pass a chat_format.");
    }
}

// llama-common rethrows a copy that has lost its text; parsing once more brings it back.
std::string ChatTemplates::reason(const std::string& source, const Error& fallback) const {
    const char* own = model_ ? llama_model_chat_template(model_->get(), nullptr) : nullptr;
    const std::string text = !source.empty() ? source : (own != nullptr ? own : "");
    try {
        call_template([&] { return common_chat_template(text, "", ""); });
    } catch (const Error& error) {
        return error.what();
    }
    return fallback.what();
}

std::shared_ptr<ChatPrompt> ChatTemplates::apply(const ChatArguments& arguments) const {
    const common_chat_templates_inputs inputs =
        call_native(ErrorKind::kChatTemplate, [&] { return make_inputs(arguments); });
    return std::make_shared<ChatPrompt>(
        call_template([&] { return common_chat_templates_apply(get(), inputs); }));
}

bool ChatTemplates::supports_thinking() const {
    return call_template([&] { return common_chat_templates_support_enable_thinking(get()); });
}

std::string render_template(const std::string& source, const std::string& context_json,
                            const std::string& bos, const std::string& eos) {
    common_json values = parse_chat_json(context_json, "the text of the template's variables");
    if (!values.is_object()) {
        throw Error(ErrorKind::kChatTemplate, "the template's variables must be a JSON object");
    }
    for (const auto& [name, token] : {std::pair{"bos_token", bos}, std::pair{"eos_token", eos}}) {
        if (!values.contains(name)) {
            values[name] = token;
        }
    }
    return call_template([&] { return render(source, values); });
}

}  // namespace core
