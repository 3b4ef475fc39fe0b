// Chat templates: messages to a prompt, and the model's answer back to a message.
#ifndef NATIVE_CORE_CHAT_TEMPLATES_H_
#define NATIVE_CORE_CHAT_TEMPLATES_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "chat.h"
#include "native/core/handles.h"

namespace core {

// All fail with ChatTemplateError. Const functions may run at the same time in several threads.

// A rendered prompt, and how to read the answer to it.
class ChatPrompt {
  public:
    explicit ChatPrompt(common_chat_params params) : params_(std::move(params)) {}

    const common_chat_params& params() const { return params_; }

    common_chat_msg parse(const std::string& text, bool is_partial) const;

  private:
    common_chat_params params_;
};

// Input of a template. Texts are JSON, except for tool_choice, grammar and reasoning_format.
struct ChatArguments {
    std::string messages;
    std::string tools;
    std::string tool_choice;
    std::string json_schema;
    std::string grammar;
    bool add_generation_prompt;
    bool continue_final_message;
    bool parallel_tool_calls;
    bool enable_thinking;
    std::string reasoning_format;
    std::map<std::string, std::string> kwargs;
    std::optional<double> now;  // seconds since the epoch
};

class ChatTemplates {
  public:
    // `source` replaces the model's template. Either may be missing.
    ChatTemplates(std::shared_ptr<ModelHandle> model, const std::string& source,
                  const std::string& bos, const std::string& eos);

    const common_chat_templates* get() const { return templates_.get(); }
    std::shared_ptr<ChatPrompt> apply(const ChatArguments& arguments) const;
    bool supports_thinking() const;

  private:
    std::string reason(const std::string& source, const Error& fallback) const;

    std::shared_ptr<ModelHandle> model_;
    common_chat_templates_ptr templates_;
};

// Renders any Jinja template with the variables of a JSON object.
std::string render_template(const std::string& source, const std::string& context_json,
                            const std::string& bos, const std::string& eos);

}  // namespace core

#endif  // NATIVE_CORE_CHAT_TEMPLATES_H_
