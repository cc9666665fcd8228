#include "policies/sensitivity/text_parts.hpp"

namespace sluice::policies {

namespace {

const std::string kInside = "#";                         // the pointer's step into JSON that is held by a string
constexpr std::uint64_t kShortestNumber = 100'000'000U;  // nine digits: fewer identify nobody

}  // namespace

std::string TextPlace::pointer() const {
    std::string out;
    for (const auto& segment : path_) {
        out += '/';
        if (segment.key == nullptr) {
            out += std::to_string(segment.index);
            continue;
        }
        for (const char c : *segment.key) {
            if (c == '~') out += "~0";
            else if (c == '/') out += "~1";
            else out += c;
        }
    }
    return out;
}

TextPlace TextPlace::of_content(std::size_t message) {
    static const std::string messages = "messages";
    static const std::string content = "content";
    TextPlace place;
    place.path_ = {{&messages, 0}, {nullptr, message}, {&content, 0}};
    place.message_ = static_cast<std::int32_t>(message);
    return place;
}

TextPlace TextPlace::of_part(std::size_t message, std::size_t part) {
    static const std::string text = "text";
    TextPlace place = of_content(message);
    place.path_.push_back({nullptr, part});
    place.path_.push_back({&text, 0});
    return place;
}

std::string_view TextPlace::key() const {
    if (is_key_) return {};
    for (auto segment = path_.rbegin(); segment != path_.rend(); ++segment)
        if (segment->key != nullptr && segment->key != &kInside) return *segment->key;
    return {};
}

class TextWalk {
public:
    explicit TextWalk(const TextVisitor& visit) : visit_(visit) { place_.path_.reserve(kUsualDepth); }

    void value(const core::Json& json) {
        if (json.is_string()) text(json.get_ref<const std::string&>());
        else if (json.is_object()) members(json);
        else if (json.is_array()) elements(json);
        else if (json.is_number()) number(json);
    }

private:
    static constexpr std::size_t kUsualDepth = 8;  // of a path: one allocation for most bodies
    static constexpr int kMostNestedJson = 3;
    static constexpr std::size_t kMostNestedBytes = std::size_t{1} << 20U;

    void members(const core::Json& object) {
        // The members themselves: items() would make a string for the name of each.
        for (const auto& [key, member] : object.get_ref<const core::Json::object_t&>()) {
            place_.path_.push_back({&key, 0});
            place_.is_key_ = true;
            visit_(place_, key);
            place_.is_key_ = false;
            value(member);
            place_.path_.pop_back();
        }
    }

    void elements(const core::Json& array) {
        const bool messages = nested_ == 0 && place_.path_.size() == 1 && place_.path_.front().key != nullptr &&
                              *place_.path_.front().key == "messages";
        std::size_t i = 0;
        for (const auto& element : array.get_ref<const core::Json::array_t&>()) {
            if (messages) place_.message_ = static_cast<std::int32_t>(i);
            place_.path_.push_back({nullptr, i++});
            value(element);
            place_.path_.pop_back();
        }
        if (messages) place_.message_ = -1;
    }

    void number(const core::Json& json) {
        const bool is_short =
            json.is_number_unsigned() ? json.get<std::uint64_t>() < kShortestNumber : json.is_number_integer();
        if (is_short) return;
        visit_(place_, json.dump());
    }

    void text(const std::string& content) {
        visit_(place_, content);
        if (nested_ == kMostNestedJson || content.size() < 2 || content.size() > kMostNestedBytes) return;
        const auto first = content.find_first_not_of(" \t\r\n");
        if (first == std::string::npos || (content[first] != '{' && content[first] != '[' && content[first] != '"'))
            return;
        const auto decoded = core::parse_json(content);
        if (!decoded) return;
        ++nested_;
        place_.path_.push_back({&kInside, 0});
        value(*decoded);
        place_.path_.pop_back();
        --nested_;
    }

    const TextVisitor& visit_;
    TextPlace place_;
    int nested_ = 0;
};

void for_each_text(const core::Json& body, const TextVisitor& visit) {
    TextWalk{visit}.value(body);
}

}  // namespace sluice::policies
