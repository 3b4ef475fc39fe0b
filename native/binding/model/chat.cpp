// Chat templates: messages to a prompt, and the model's answer back to a message.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/model/grammar_triggers.h"
#include "native/binding/model/model.h"
#include "native/core/chat_templates.h"

namespace py = pybind11;

namespace core {
namespace {

using Texts = std::map<std::string, std::string>;

class ChatMessage {
  public:
    explicit ChatMessage(common_chat_msg message) : message_(std::move(message)) {}

    const common_chat_msg& get() const { return message_; }

  private:
    common_chat_msg message_;
};

using DiffDict = py::typing::Dict<py::str, py::object>;

DiffDict to_dict(const common_chat_msg_diff& diff) {
    DiffDict entry;
    if (!diff.reasoning_content_delta.empty()) {
        entry["reasoning_content"] = to_str(diff.reasoning_content_delta);
    }
    if (!diff.content_delta.empty()) {
        entry["content"] = to_str(diff.content_delta);
    }
    if (diff.tool_call_index != std::string::npos) {
        entry["tool_call_index"] = diff.tool_call_index;
        entry["tool_call"] =
            py::make_tuple(to_str(diff.tool_call_delta.name),
                           to_str(diff.tool_call_delta.arguments), to_str(diff.tool_call_delta.id));
    }
    return entry;
}

py::typing::List<DiffDict> chat_diffs(const ChatMessage& previous, const ChatMessage& current) {
    const std::vector<common_chat_msg_diff> diffs = call_without_gil(ErrorKind::kChatTemplate, [&] {
        return common_chat_msg_diff::compute_diffs(previous.get(), current.get());
    });
    py::typing::List<DiffDict> list;
    for (const common_chat_msg_diff& diff : diffs) {
        list.append(to_dict(diff));
    }
    return list;
}

void bind_message(py::module_& m) {
    py::class_<ChatMessage> cls(m, "ChatMessage", "A parsed answer of a model.");
    const auto def_text = [&cls](const char* name, std::string common_chat_msg::* field) {
        cls.def_property_readonly(
            name, [field](const ChatMessage& self) { return to_str(self.get().*field); });
    };
    def_text("role", &common_chat_msg::role);
    def_text("content", &common_chat_msg::content);
    def_text("reasoning_content", &common_chat_msg::reasoning_content);
    cls.def_property_readonly(
        "tool_calls",
        [](const ChatMessage& self) {
            py::typing::List<py::typing::Tuple<py::str, py::str, py::str>> list;
            for (const common_chat_tool_call& call : self.get().tool_calls) {
                list.append(
                    py::make_tuple(to_str(call.name), to_str(call.arguments), to_str(call.id)));
            }
            return list;
        },
        "Name, arguments as JSON text, and id of each call.");
    cls.def(
        "to_json",
        [](const ChatMessage& self) {
            return to_str(call_native(ErrorKind::kChatTemplate,
                                      [&] { return self.get().to_json_oaicompat().dump_safe(); }));
        },
        "Returns the message as JSON in OpenAI's form.");
    m.def("chat_diffs", &chat_diffs, py::arg("previous"), py::arg("new"),
          R"(
          Returns the parts of a message that an earlier, shorter one lacks, for streaming.

          Args:
            previous: The shorter message.
            new: The longer message.

          Returns:
            Dicts with some of ``reasoning_content`` and ``content`` (text to append), and
            ``tool_call_index`` with ``tool_call`` (name, arguments to append, id).
          )"_doc);
}

void bind_prompt(py::module_& m) {
    py::class_<ChatPrompt, std::shared_ptr<ChatPrompt>> cls(
        m, "ChatPrompt", "A rendered chat, with the grammar and the parser for its answer.");
    const auto def_text = [&cls](const char* name, std::string common_chat_params::* field,
                                 const char* doc) {
        cls.def_property_readonly(
            name, [field](const ChatPrompt& self) { return to_str(self.params().*field); }, doc);
    };
    const auto def_value = [&cls](const char* name, auto field, const char* doc) {
        cls.def_property_readonly(
            name, [field](const ChatPrompt& self) { return self.params().*field; }, doc);
    };
    def_text("prompt", &common_chat_params::prompt,
             "Text to tokenize with special tokens parsed, without the BOS that the model adds.");
    def_text("grammar", &common_chat_params::grammar, "GBNF of the answer, or \"\".");
    def_text("generation_prompt", &common_chat_params::generation_prompt,
             "End of the prompt, which begins the answer.");
    def_text("thinking_start_tag", &common_chat_params::thinking_start_tag,
             "Tag that begins the reasoning, or \"\".");
    def_value("grammar_lazy", &common_chat_params::grammar_lazy,
              "Whether the grammar waits for a trigger.");
    def_value("supports_thinking", &common_chat_params::supports_thinking,
              "Whether the template knows reasoning.");
    def_value("preserved_tokens", &common_chat_params::preserved_tokens,
              "Text of special tokens that must appear in the answer's text.");
    def_value("additional_stops", &common_chat_params::additional_stops,
              "Stop strings of this template.");
    def_value("thinking_end_tags", &common_chat_params::thinking_end_tags,
              "Tags that end the reasoning.");
    cls.def_property_readonly(
        "grammar_triggers",
        [](const ChatPrompt& self) { return to_tuples(self.params().grammar_triggers); },
        "For SamplingParams.grammar_triggers.");
    cls.def_property_readonly(
        "format",
        [](const ChatPrompt& self) {
            return std::string(common_chat_format_name(self.params().format));
        },
        "Name of the parser's format.");
    cls.def(
        "parse",
        [](const ChatPrompt& self, const std::string& text, bool is_partial) {
            GilRelease release;
            return ChatMessage(self.parse(text, is_partial));
        },
        py::arg("text"), py::arg("is_partial") = false,
        R"(
        Parses an answer.

        Args:
          text: The answer.
          is_partial: Whether the text is only the beginning of an answer.

        Returns:
          The message.

        Raises:
          ChatTemplateError: The text does not have the form that the template implies.
        )"_doc);
}

void bind_templates(py::module_& m) {
    py::class_<ChatTemplates, std::shared_ptr<ChatTemplates>> cls(
        m, "ChatTemplates", "A Jinja chat template, a model's own or a given text.");
    cls.def(py::init([](const Model* model, const std::string& source, const std::string& bos,
                        const std::string& eos) {
                if (model == nullptr && source.empty()) {
                    throw Error(ErrorKind::kChatTemplate, "pass a model or the text of a template");
                }
                auto handle = model == nullptr ? nullptr : model->get();
                GilRelease release;
                return make_outside_gil<ChatTemplates>(std::move(handle), source, bos, eos);
            }),
            py::arg("model").none(true), py::arg("template") = "", py::arg("bos") = "",
            py::arg("eos") = "",
            R"(
            Parses the template.

            Args:
              model: Model with a template; one without gets ChatML. None: only ``template`` counts.
              template: Text that replaces the model's template, if not empty.
              bos: Beginning of text, used without a model only.
              eos: End of text, used without a model only.

            Raises:
              ChatTemplateError: The template is invalid, or there is none.
            )"_doc);
    cls.def_property_readonly(
        "source",
        [](const ChatTemplates& self) { return to_str(common_chat_templates_source(self.get())); },
        "Text of the template.");
    cls.def_property_readonly(
        "caps",
        [](const ChatTemplates& self) { return common_chat_templates_get_caps(self.get()); },
        "Capabilities of the template, as name -> bool.");
    cls.def_property_readonly(
        "was_explicit",
        [](const ChatTemplates& self) { return common_chat_templates_was_explicit(self.get()); },
        "Whether a template was given or the model has one.");
    cls.def_property_readonly(
        "supports_thinking",
        [](const ChatTemplates& self) {
            GilRelease release;
            return self.supports_thinking();
        },
        "Whether the template knows reasoning.");
    cls.def(
        "apply",
        [](const ChatTemplates& self, std::string messages, std::string tools,
           std::string tool_choice, std::string json_schema, std::string grammar,
           bool add_generation_prompt, bool continue_final_message, bool parallel_tool_calls,
           bool enable_thinking, std::string reasoning_format, Texts kwargs,
           std::optional<double> now) {
            const ChatArguments arguments{
                std::move(messages),         std::move(tools),    std::move(tool_choice),
                std::move(json_schema),      std::move(grammar),  add_generation_prompt,
                continue_final_message,      parallel_tool_calls, enable_thinking,
                std::move(reasoning_format), std::move(kwargs),   now};
            GilRelease release;
            return self.apply(arguments);
        },
        py::arg("messages"), py::arg("tools") = "", py::arg("tool_choice") = "auto", py::kw_only(),
        py::arg("json_schema") = "", py::arg("grammar") = "",
        py::arg("add_generation_prompt") = true, py::arg("continue_final_message") = false,
        py::arg("parallel_tool_calls") = false, py::arg("enable_thinking") = true,
        py::arg("reasoning_format") = "none", py::arg("kwargs") = Texts(),
        py::arg("now") = py::none(),
        R"(
        Renders a chat.

        Args:
          messages: JSON text of the messages in OpenAI's form.
          tools: JSON text of the tools in OpenAI's form, or "".
          tool_choice: "auto", "required" or "none".
          json_schema: JSON text of a schema for the answer, or "".
          grammar: GBNF for the answer, or "".
          add_generation_prompt: Whether the prompt ends with the beginning of an answer.
          continue_final_message: Whether the prompt ends within the last message, which is the
            assistant's, instead.
          parallel_tool_calls: Whether an answer may have several tool calls.
          enable_thinking: Whether the model may reason first.
          reasoning_format: "none", "auto", "deepseek" or "deepseek-legacy".
          kwargs: Further variables of the template; the values are JSON text.
          now: Time for the template, in seconds since the epoch.

        Raises:
          ChatTemplateError: A text is invalid JSON, or the template fails.
        )"_doc);
}

}  // namespace

void init_chat(py::module_& m) {
    bind_message(m);
    bind_prompt(m);
    bind_templates(m);
    m.def(
        "render_template",
        [](const std::string& source, const std::string& context, const std::string& bos,
           const std::string& eos) {
            std::string text;
            {
                GilRelease release;
                text = render_template(source, context, bos, eos);
            }
            return to_str(text);
        },
        py::arg("template"), py::arg("context"), py::arg("bos"), py::arg("eos"),
        R"(
        Renders a Jinja template that need not be a chat's.

        Args:
          template: The template.
          context: JSON text of an object: the variables.
          bos: Value of the variable ``bos_token``, unless the context has one.
          eos: Value of the variable ``eos_token``, unless the context has one.

        Raises:
          ChatTemplateError: The template or the context is invalid, or rendering fails.
        )"_doc);
}

}  // namespace core
