#include "core/json.hpp"

#include <simdjson.h>

#include <cstring>
#include <optional>
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

constexpr std::size_t kKeptBytes = std::size_t{256} << 10U;  // texts up to this size reuse a thread's buffers

struct BeyondLimits {};

// The tree the library's own parser would have built: the last of members that share a name counts, at the first one's
// place. Throws BeyondLimits; `depth` is how many levels more there may be.
Json tree_of(simdjson::dom::element element, std::size_t depth, std::size_t max_members) {
    using simdjson::dom::element_type;
    switch (element.type()) {
        case element_type::OBJECT: {
            const auto object = simdjson::dom::object(element);
            if (depth == 0 || object.size() > max_members) throw BeyondLimits{};
            Json out = Json::object();
            auto& members = out.get_ref<Json::object_t&>();
            members.reserve(object.size());
            for (const auto [name, value] : object) members[std::string(name)] = tree_of(value, depth - 1, max_members);
            return out;
        }
        case element_type::ARRAY: {
            if (depth == 0) throw BeyondLimits{};
            const auto array = simdjson::dom::array(element);
            Json out = Json::array();
            out.get_ref<Json::array_t&>().reserve(array.size());
            for (const auto value : array) out.push_back(tree_of(value, depth - 1, max_members));
            return out;
        }
        case element_type::STRING: return std::string(std::string_view(element));
        case element_type::INT64: {
            const auto number = std::int64_t(element);
            return number < 0 ? Json(number) : Json(static_cast<std::uint64_t>(number));
        }
        case element_type::UINT64: return std::uint64_t(element);
        case element_type::DOUBLE: return double(element);
        case element_type::BOOL: return bool(element);
        case element_type::NULL_VALUE: break;
    }
    return nullptr;
}

struct FastParser {
    simdjson::dom::parser parser;
    std::vector<char> padded;

    std::optional<Json> parse(std::string_view text, JsonLimits limits) {
        if (padded.size() < text.size() + simdjson::SIMDJSON_PADDING) padded.resize(2 * text.size() + simdjson::SIMDJSON_PADDING);
        std::memcpy(padded.data(), text.data(), text.size());
        simdjson::dom::element root;
        if (parser.parse(padded.data(), text.size(), false).get(root) != simdjson::SUCCESS) return std::nullopt;
        try {
            return tree_of(root, limits.max_depth, limits.max_members);
        } catch (const BeyondLimits&) {
            return std::nullopt;
        }
    }
};

// Nothing when the text is not valid, beyond the limits, or not for this parser (integers of more than 64 bits): it is then
// looked at again more slowly, for the error or by the library.
std::optional<Json> parse_fast(std::string_view text, JsonLimits limits) {
    if (text.empty()) return std::nullopt;
    if (text.size() <= kKeptBytes) {
        thread_local FastParser kept;
        return kept.parse(text, limits);
    }
    FastParser once;
    return once.parse(text, limits);
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
    if (auto parsed = parse_fast(text, limits)) return *std::move(parsed);
    if (const auto within = check_limits(text, limits); !within) return within.error();
    // The library takes a NUL for the end of the text, whatever comes behind it.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return Error{Errc::InvalidRequest, "not valid JSON at byte " + std::to_string(nul + 1)};
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
    JsonWriter out;
    return out.value(value).take();
}

}  // namespace sluice::core
