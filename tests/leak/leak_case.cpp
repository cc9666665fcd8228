#include "tests/leak/leak_case.hpp"

#include <functional>
#include <vector>

namespace sluice::testing {

namespace {

using core::Json;

Json message(const std::string& role, Json content) {
    return Json{{"role", role}, {"content", std::move(content)}};
}
Json text_part(const std::string& text) {
    return Json{{"type", "text"}, {"text", text}};
}

Json call(const std::string& arguments, const std::string& name = "lookup") {
    Json out{{"role", "assistant"}, {"content", nullptr}};
    out["tool_calls"] = Json::array(
        {Json{{"id", "call_1"}, {"type", "function"}, {"function", {{"name", name}, {"arguments", arguments}}}}});
    return out;
}

Json tool(Json parameters, const std::string& description = "looks things up", const std::string& name = "lookup") {
    return Json::array(
        {Json{{"type", "function"},
              {"function", {{"name", name}, {"description", description}, {"parameters", std::move(parameters)}}}}});
}

void answer_call(Json& messages) {
    messages.push_back(Json{{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", "done"}});
}

struct Part {
    std::string_view name;
    std::function<void(Json& body, const std::string& text)> plant;
};

const std::vector<Part>& parts() {
    static const std::vector<Part> all{
        {"last user message",
         [](Json& body, const std::string& text) { body["messages"].push_back(message("user", text)); }},
        {"content part",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(message("user", Json::array({text_part("look:"), text_part(text)})));
         }},
        {"system message",
         [](Json& body, const std::string& text) {
             body["messages"].insert(body["messages"].begin(), message("system", text));
         }},
        {"developer message",
         [](Json& body, const std::string& text) {
             body["messages"].insert(body["messages"].begin(), message("developer", text));
         }},
        {"earlier turn",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(message("user", text));
             body["messages"].push_back(message("assistant", "I see."));
             body["messages"].push_back(message("user", "Go on."));
         }},
        {"assistant turn",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(message("assistant", text));
             body["messages"].push_back(message("user", "Go on."));
         }},
        {"assistant reasoning",
         [](Json& body, const std::string& text) {
             Json one = message("assistant", "I see.");
             one["reasoning_content"] = text;
             body["messages"].push_back(std::move(one));
             body["messages"].push_back(message("user", "Go on."));
         }},
        {"refusal",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(
                 message("assistant", Json::array({Json{{"type", "refusal"}, {"refusal", text}}})));
             body["messages"].push_back(message("user", "Go on."));
         }},
        {"tool arguments",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(call(core::dump_json(Json{{"query", text}, {"limit", 3}})));
             answer_call(body["messages"]);
         }},
        {"nested tool arguments",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(
                 call(core::dump_json(Json{{"request", core::dump_json(Json{{"query", Json::array({text})}})}})));
             answer_call(body["messages"]);
         }},
        {"name in tool arguments",
         [](Json& body, const std::string& text) {
             Json arguments = Json::object();
             arguments[text] = 1;
             body["messages"].push_back(call(core::dump_json(arguments)));
             answer_call(body["messages"]);
         }},
        {"tool arguments that are no JSON",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(call("{\"query\": " + text));
             answer_call(body["messages"]);
         }},
        {"tool result",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(call("{}"));
             body["messages"].push_back(Json{{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", text}});
         }},
        {"JSON tool result",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(call("{}"));
             body["messages"].push_back(
                 Json{{"role", "tool"},
                      {"tool_call_id", "call_1"},
                      {"content", core::dump_json(Json{{"rows", Json::array({Json{{"v", text}}})}})}});
         }},
        {"tool call name",
         [](Json& body, const std::string& text) {
             body["messages"].push_back(call("{}", text));
             answer_call(body["messages"]);
         }},
        {"tool description", [](Json& body, const std::string& text) { body["tools"] = tool(Json::object(), text); }},
        {"tool name", [](Json& body, const std::string& text) { body["tools"] = tool(Json::object(), "x", text); }},
        {"tool parameter description",
         [](Json& body, const std::string& text) {
             body["tools"] = tool(Json{{"properties", {{"a", {{"description", text}}}}}});
         }},
        {"tool parameter values",
         [](Json& body, const std::string& text) {
             body["tools"] = tool(Json{{"properties", {{"a", {{"enum", Json::array({text})}}}}}});
         }},
        {"message name",
         [](Json& body, const std::string& text) {
             Json one = message("user", "Hello.");
             one["name"] = text;
             body["messages"].push_back(std::move(one));
         }},
        {"metadata value",
         [](Json& body, const std::string& text) {
             body["metadata"] = Json{{"note", text}};
         }},
        {"metadata name",
         [](Json& body, const std::string& text) {
             body["metadata"] = Json::object();
             body["metadata"][text] = "x";
         }},
        {"end user", [](Json& body, const std::string& text) { body["user"] = text; }},
        {"stop word", [](Json& body, const std::string& text) { body["stop"] = Json::array({text}); }},
        {"response format",
         [](Json& body, const std::string& text) {
             body["response_format"] =
                 Json{{"type", "json_schema"}, {"json_schema", {{"name", "a"}, {"schema", {{"description", text}}}}}};
         }},
        {"prediction",
         [](Json& body, const std::string& text) {
             body["prediction"] = Json{{"type", "content"}, {"content", text}};
         }},
        {"unknown field",
         [](Json& body, const std::string& text) {
             body["x_vendor"] = Json{{"deep", Json::array({Json::array({text})})}};
         }},
        {"unknown name", [](Json& body, const std::string& text) { body[text] = true; }},
    };
    return all;
}

}  // namespace

std::string LeakCase::describe() const {
    return "case " + std::to_string(number) + ": " + std::string{to_string(canary.type)} + ", written as \"" +
           std::string{evasion} + "\", in " + std::string{part};
}

LeakCase make_case(std::uint64_t number, Random& random) {
    LeakCase out;
    out.number = number;
    const auto type = static_cast<CanaryType>(random() % kCanaryTypes);
    out.canary = make_canary(type, random);
    out.stream = random() % 2 == 0;
    out.body = Json{{"model", "auto"}, {"max_tokens", 2}, {"stream", out.stream}, {"messages", Json::array()}};
    for (std::uint64_t turns = random() % 3; turns > 0; --turns) {
        out.body["messages"].push_back(
            message("user", "Tell me about topic number " + std::to_string(number) + "." + std::to_string(turns)));
        out.body["messages"].push_back(
            message("assistant", "There is much to say about topic " + std::to_string(number) + "."));
    }
    if (random() % 8 == 0) out.declared = static_cast<core::DataClass>(random() % 3);

    if (random() % 40 == 0) {
        out.evasion = out.part = kSplitOverTurns;
        const std::size_t half = out.canary.value.size() / 2;
        out.text = out.canary.before + out.canary.value;
        out.body["messages"].push_back(message("user", "Note " + out.canary.before + out.canary.value.substr(0, half)));
        out.body["messages"].push_back(message("assistant", "Noted."));
        out.body["messages"].push_back(message("user", out.canary.value.substr(half) + " is the rest of it."));
        out.known_gap = is_known_gap(kSplitOverTurns, type);
        return out;
    }
    const Evasion* evasion = &evasions().front();
    if (random() % 2 == 0) {
        do evasion = &evasions()[random() % evasions().size()];
        while (!evasion->applies(type));
    }
    out.evasion = evasion->name;
    out.known_gap = is_known_gap(evasion->name, type);
    out.text = carrier(random);
    out.text.replace(out.text.find("{}"), 2, out.canary.before + evasion->write(out.canary.value) + out.canary.behind);
    // Half of all cases go where people write; the others wherever a request has room.
    const Part& part = random() % 2 == 0 ? parts()[random() % 2] : parts()[random() % parts().size()];
    out.part = part.name;
    part.plant(out.body, out.text);
    out.is_last_message = &part == &parts().front();
    const auto& messages = out.body["messages"];
    if (messages.empty() || messages.back()["role"] == "system" || messages.back()["role"] == "developer" ||
        messages.back()["role"] == "assistant")
        out.body["messages"].push_back(message("user", "What is it?"));
    return out;
}

}  // namespace sluice::testing
