#include "core/json.hpp"

#include <vector>

#include "core/json_writer.hpp"

namespace sluice::core {

namespace {

// Depth and members per object, counted outside of strings. Malformed text is left for the parser to refuse.
Result<void> check_limits(std::string_view text, JsonLimits limits) {
    std::vector<std::size_t> members;  // one count per open object or array
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
            continue;
        }
        switch (c) {
            case '"': in_string = true; break;
            case '{':
            case '[':
                if (members.size() == limits.max_depth)
                    return Error{Errc::InvalidRequest, "JSON is nested deeper than " + std::to_string(limits.max_depth) + " levels"};
                members.push_back(0);
                break;
            case '}':
            case ']':
                if (!members.empty()) members.pop_back();
                break;
            case ':':
                if (!members.empty() && ++members.back() > limits.max_members)
                    return Error{Errc::InvalidRequest, "a JSON object has more than " + std::to_string(limits.max_members) + " members"};
                break;
            default: break;
        }
    }
    return {};
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
    if (const auto within = check_limits(text, limits); !within) return within.error();
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& error) {
        // error.what() quotes the input, so only the position is passed on.
        return Error{Errc::InvalidRequest, "not valid JSON at byte " + std::to_string(error.byte)};
    } catch (const Json::exception&) {
        return Error{Errc::InvalidRequest, "a JSON number is out of range"};
    }
}

std::string dump_json(const Json& value) {
    std::string text;
    append_json(text, value);
    return text;
}

}  // namespace sluice::core
