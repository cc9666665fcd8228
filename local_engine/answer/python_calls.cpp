#include "local_engine/answer/python_calls.hpp"

#include "core/json.hpp"

#include <cctype>
#include <optional>

namespace sluice::local_engine {
namespace {

using core::Json;

constexpr int kMaxDepth = 32;

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::vector<PythonCall> calls() {
        std::vector<PythonCall> out;
        if (!take('[')) return {};
        do {
            const std::string name = word(".");
            if (name.empty() || !take('(')) return {};
            Json arguments = Json::object();
            if (!named_values(arguments)) return {};
            out.push_back({name, core::dump_json(arguments)});
        } while (take(','));
        if (!take(']')) return {};
        skip();
        return at_ == text_.size() ? out : std::vector<PythonCall>();
    }

private:
    void skip() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    }
    bool take(char c) {
        skip();
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string word(std::string_view also) {
        skip();
        const std::size_t begin = at_;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_' ||
                                      also.find(text_[at_]) != std::string_view::npos)) {
            ++at_;
        }
        return std::string(text_.substr(begin, at_ - begin));
    }

    bool named_values(Json& out) {
        if (take(')')) return true;
        do {
            const std::string name = word("");
            if (name.empty() || !take('=')) return false;
            auto parsed = value(0);
            if (!parsed) return false;
            out[name] = std::move(*parsed);
        } while (take(','));
        return take(')');
    }

    std::optional<Json> value(int depth) {
        skip();
        if (at_ == text_.size() || depth > kMaxDepth) return std::nullopt;
        const char c = text_[at_];
        if (c == '"' || c == '\'') return quoted(c);
        if (c == '[') return list(depth);
        if (c == '{') return dictionary(depth);
        const std::string plain = word("+-.");
        if (plain == "True" || plain == "true") return Json(true);
        if (plain == "False" || plain == "false") return Json(false);
        if (plain == "None" || plain == "null") return Json();
        auto number = core::parse_json(plain);
        if (!number || !number->is_number()) return std::nullopt;
        return std::move(*number);
    }

    std::optional<Json> quoted(char quote) {
        std::string text;
        for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (text_[at_] != '\\' || at_ + 1 == text_.size()) {
                text.push_back(text_[at_]);
                continue;
            }
            const char c = text_[++at_];
            text.push_back(c == 'n' ? '\n' : (c == 't' ? '\t' : (c == 'r' ? '\r' : c)));
        }
        if (at_ == text_.size()) return std::nullopt;
        ++at_;
        return Json(std::move(text));
    }

    std::optional<Json> list(int depth) {
        take('[');
        Json out = Json::array();
        if (take(']')) return out;
        do {
            auto item = value(depth + 1);
            if (!item) return std::nullopt;
            out.push_back(std::move(*item));
        } while (take(','));
        if (!take(']')) return std::nullopt;
        return out;
    }

    std::optional<Json> dictionary(int depth) {
        take('{');
        Json out = Json::object();
        if (take('}')) return out;
        do {
            auto name = value(depth + 1);
            if (!name || !name->is_string() || !take(':')) return std::nullopt;
            auto member = value(depth + 1);
            if (!member || out.size() > 1024) return std::nullopt;
            out[name->get<std::string>()] = std::move(*member);
        } while (take(','));
        if (!take('}')) return std::nullopt;
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<PythonCall> parse_python_calls(std::string_view text) {
    return Reader(text).calls();
}

}  // namespace sluice::local_engine
