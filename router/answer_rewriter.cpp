#include "router/answer_rewriter.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::router {

namespace {

using core::Json;

constexpr std::array<std::string_view, 10> kLabels{"id",   "role",          "type",     "object",       "index",
                                                   "name", "finish_reason", "logprobs", "tool_call_id", "status"};

bool is_label(std::string_view name) {
    return std::ranges::find(kLabels, name) != kLabels.end();
}

TextKind kind_of(std::string_view name) {
    return name == "arguments" ? TextKind::Json : TextKind::Plain;
}

std::int64_t index_of(const Json& element, std::size_t position) {
    if (element.is_object())
        if (const auto index = element.find("index"); index != element.end() && index->is_number_integer())
            return index->get<std::int64_t>();
    return static_cast<std::int64_t>(position);
}

// "\ud83d" without its partner becomes "\ufffd". Only looked for when the parser refused the text.
std::string without_lone_surrogates(std::string_view json) {
    std::string out{json};
    const auto unit = [&](std::size_t at) -> unsigned {
        if (at + 6 > out.size() || out[at] != '\\' || out[at + 1] != 'u') return 0;
        return static_cast<unsigned>(std::strtoul(out.substr(at + 2, 4).c_str(), nullptr, 16));
    };
    for (std::size_t at = 0; at + 1 < out.size(); ++at) {
        if (out[at] != '\\') continue;
        const unsigned code = unit(at);
        if (code >= 0xd800 && code < 0xdc00 && unit(at + 6) >= 0xdc00 && unit(at + 6) < 0xe000) at += 11;
        else if (code >= 0xd800 && code < 0xe000) out.replace(at + 2, 4, "fffd");
        else ++at;
    }
    return out;
}

}  // namespace

core::Result<Json> parse_answer(std::string_view json) {
    auto parsed = core::parse_json(json);
    return parsed ? parsed : core::parse_json(without_lone_surrogates(json));
}

AnswerRewriter::Text& AnswerRewriter::text_at(const Path& path, std::int64_t choice) {
    std::string key;
    for (const auto& step : path) key += step + "/";
    auto& texts = choices_[choice];
    auto found = texts.find(key);
    if (found == texts.end()) {
        found = texts.emplace(key, Text{path, make_(kind_of(path.back()))}).first;
        ++texts_;
    }
    return found->second;
}

void AnswerRewriter::filter(Json& value, Path& path, std::int64_t choice) {
    if (value.is_string()) {
        if (texts_ >= kMostTexts) return;
        auto& text = value.get_ref<std::string&>();
        std::string filtered = text_at(path, choice).filter->feed(text);
        if (filtered == text) return;
        text = std::move(filtered);
        changed_ = true;
    } else if (value.is_object()) {
        for (auto it = value.begin(); it != value.end(); ++it) {
            if (is_label(it.key())) continue;
            path.push_back(it.key());
            filter(it.value(), path, choice);
            path.pop_back();
        }
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            path.push_back("#" + std::to_string(index_of(value[i], i)));
            filter(value[i], path, choice);
            path.pop_back();
        }
    }
}

// Adds to the text at `path`, making the way to it.
void AnswerRewriter::put(Json& choice, const Path& path, std::string text) {
    Json* at = &choice;
    for (const auto& step : path) {
        if (!step.starts_with('#')) {
            if (!at->is_object()) *at = Json::object();
            at = &(*at)[step];
            continue;
        }
        if (!at->is_array()) *at = Json::array();
        const std::int64_t index = std::stoll(step.substr(1));
        Json* found = nullptr;
        for (std::size_t i = 0; i < at->size() && found == nullptr; ++i)
            if (index_of((*at)[i], i) == index) found = &(*at)[i];
        if (found == nullptr) {
            at->push_back(Json{{"index", index}});
            found = &at->back();
        }
        at = found;
    }
    if (at->is_string()) at->get_ref<std::string&>() += text;
    else *at = std::move(text);
}

void AnswerRewriter::finish_choice(Json& choice, std::int64_t index) {
    const auto found = choices_.find(index);
    if (found == choices_.end()) return;
    for (auto& [_, text] : found->second) {
        std::string rest = text.filter->finish();
        if (rest.empty()) continue;
        put(choice, text.path, std::move(rest));
        changed_ = true;
    }
}

std::string AnswerRewriter::chunk(std::string_view json) {
    auto parsed = parse_answer(json);
    if (!parsed || !parsed->is_object()) return std::string{json};
    changed_ = false;
    const auto choices = parsed->find("choices");
    if (choices != parsed->end() && choices->is_array()) {
        for (std::size_t i = 0; i < choices->size(); ++i) {
            Json& choice = (*choices)[i];
            if (!choice.is_object()) continue;
            const std::int64_t index = index_of(choice, i);
            Path path;
            filter(choice, path, index);
            const auto finish = choice.find("finish_reason");
            if (finish != choice.end() && !finish->is_null()) finish_choice(choice, index);
        }
    }
    if (envelope_.is_null())
        for (const auto* name : {"id", "object", "created", "model"})
            if (const auto found = parsed->find(name); found != parsed->end()) envelope_[name] = *found;
    return changed_ ? core::dump_json(*parsed) : std::string{json};
}

std::optional<std::string> AnswerRewriter::rest() {
    Json out = envelope_.is_null() ? Json::object() : envelope_;
    Json list = Json::array();
    for (auto& [index, _] : choices_) {
        Json choice{{"index", index}, {"delta", Json::object()}};
        changed_ = false;
        finish_choice(choice, index);
        if (!changed_) continue;
        choice["finish_reason"] = nullptr;
        list.push_back(std::move(choice));
    }
    if (list.empty()) return std::nullopt;
    out["choices"] = std::move(list);
    return core::dump_json(out);
}

void AnswerRewriter::whole(Json& value, const std::string& name) {
    if (value.is_string()) {
        const auto filter_of_text = make_(kind_of(name));
        auto& text = value.get_ref<std::string&>();
        std::string filtered = filter_of_text->feed(text);
        filtered += filter_of_text->finish();
        if (filtered == text) return;
        text = std::move(filtered);
        changed_ = true;
    } else if (value.is_object()) {
        for (auto it = value.begin(); it != value.end(); ++it)
            if (!is_label(it.key())) whole(it.value(), it.key());
    } else if (value.is_array()) {
        for (auto& element : value) whole(element, name);
    }
}

std::string AnswerRewriter::body(std::string json) {
    auto parsed = parse_answer(json);
    if (!parsed || !parsed->is_object()) return json;
    changed_ = false;
    if (const auto choices = parsed->find("choices"); choices != parsed->end()) whole(*choices, "choices");
    return changed_ ? core::dump_json(*parsed) : json;
}

}  // namespace sluice::router
