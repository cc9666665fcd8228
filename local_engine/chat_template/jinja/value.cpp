#include "local_engine/chat_template/jinja/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sluice::local_engine::jinja {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kIndexFrom = 16;

int deeper(int depth) {
    if (depth > kMaxDepth) throw Failure(Failure::Kind::Limit, "lists are nested too deeply");
    return depth;
}

bool is_lead(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

double as_double(const Value& value) {
    if (const auto* integer = value.as<std::int64_t>()) return static_cast<double>(*integer);
    if (const auto* flag = value.as<bool>()) return *flag ? 1 : 0;
    return *value.as<double>();
}

bool numeric(const Value& value) {
    return value.number() || value.as<bool>() != nullptr;
}

}  // namespace

void fail(const std::string& detail) {
    throw Failure(Failure::Kind::Run, detail);
}

Value Value::list(List items) {
    int depth = 0;
    for (const Value& item : items) depth = std::max(depth, item.depth());
    return Value(SharedList{std::make_shared<const List>(std::move(items)), deeper(depth + 1)});
}

Value Value::dict(Dict items) {
    int depth = 0;
    for (const auto& [name, value] : items.members()) depth = std::max(depth, value.depth());
    return Value(SharedDict{std::make_shared<const Dict>(std::move(items)), deeper(depth + 1)});
}

const Text* Value::text() const {
    const auto* text = as<std::shared_ptr<const Text>>();
    return text != nullptr ? text->get() : nullptr;
}
const List* Value::list() const {
    const auto* list = as<SharedList>();
    return list != nullptr ? list->items.get() : nullptr;
}
const Dict* Value::dict() const {
    if (const auto* space = as<Namespace*>()) return &(*space)->members;
    const auto* dict = as<SharedDict>();
    return dict != nullptr ? dict->items.get() : nullptr;
}

int Value::depth() const {
    if (const auto* list = as<SharedList>()) return list->depth;
    if (const auto* dict = as<SharedDict>()) return dict->depth;
    return 0;
}

bool Value::iterable() const {
    return text() != nullptr || list() != nullptr || dict() != nullptr;
}

bool Value::truthy() const {
    if (const auto* flag = as<bool>()) return *flag;
    if (const auto* integer = as<std::int64_t>()) return *integer != 0;
    if (const auto* number = as<double>()) return *number != 0;
    if (text() != nullptr) return !text()->empty();
    if (list() != nullptr) return !list()->empty();
    if (as<SharedDict>() != nullptr) return dict()->size() > 0;
    return !undefined() && !is_none();
}

std::string_view Value::type_name() const {
    constexpr std::array<std::string_view, 11> kNames{"undefined", "none", "boolean",   "integer",  "float", "string",
                                                      "list",      "dict", "namespace", "function", "macro"};
    return kNames[any_.index()];
}

void Dict::set(Text name, Value value) {
    if (const std::size_t known = position(name.bytes()); known < members_.size()) {
        members_[known].value = std::move(value);
        return;
    }
    if (!index_.empty()) index_.emplace(name.bytes(), members_.size());
    members_.push_back({std::move(name), std::move(value)});
    if (index_.empty() && members_.size() == kIndexFrom) {
        for (std::size_t i = 0; i < members_.size(); ++i) index_.emplace(members_[i].name.bytes(), i);
    }
}

std::size_t Dict::position(std::string_view name) const {
    if (!index_.empty()) {
        const auto found = index_.find(std::string(name));
        return found == index_.end() ? members_.size() : found->second;
    }
    std::size_t i = 0;
    while (i < members_.size() && members_[i].name.bytes() != name) ++i;
    return i;
}

const Value* Dict::find(std::string_view name) const {
    const std::size_t at = position(name);
    return at < members_.size() ? &members_[at].value : nullptr;
}

bool equal(const Value& left, const Value& right, Budget& budget) {
    budget.pay(1);
    if (numeric(left) && numeric(right)) {
        const auto* a = left.as<std::int64_t>();
        const auto* b = right.as<std::int64_t>();
        return a != nullptr && b != nullptr ? *a == *b : as_double(left) == as_double(right);
    }
    if (left.any().index() != right.any().index()) return false;
    if (const Text* text = left.text()) {
        budget.pay_bytes(std::min(text->size(), right.text()->size()));
        return text->bytes() == right.text()->bytes();
    }
    if (const auto* space = left.as<Namespace*>()) return *space == *right.as<Namespace*>();
    if (const List* list = left.list()) {
        if (list == right.list()) return true;
        return std::equal(list->begin(), list->end(), right.list()->begin(), right.list()->end(),
                          [&](const Value& a, const Value& b) { return equal(a, b, budget); });
    }
    if (const Dict* dict = left.dict()) {
        if (dict == right.dict()) return true;
        return dict->size() == right.dict()->size() &&
               std::all_of(dict->members().begin(), dict->members().end(), [&](const Dict::Member& member) {
                   const Value* other = right.dict()->find(member.name.bytes());
                   return other != nullptr && equal(member.value, *other, budget);
               });
    }
    return left.undefined() || left.is_none();
}

int compare(const Value& left, const Value& right) {
    if (numeric(left) && numeric(right)) {
        const double a = as_double(left);
        const double b = as_double(right);
        return a < b ? -1 : (a > b ? 1 : 0);
    }
    if (left.text() != nullptr && right.text() != nullptr) {
        const int order = left.text()->bytes().compare(right.text()->bytes());
        return order < 0 ? -1 : (order > 0 ? 1 : 0);
    }
    fail("a " + std::string(left.type_name()) + " and a " + std::string(right.type_name()) + " have no order");
}

// Shortest digits that give the number back; exponents below -4 and from 16 on, as Python writes them.
std::string number_text(double number) {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
    std::array<char, 400> buffer{};
    const double size = std::fabs(number);
    const bool exponent = size != 0 && (size < 1e-4 || size >= 1e16);
    const auto format = exponent ? std::chars_format::scientific : std::chars_format::fixed;
    const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format);
    std::string text(buffer.data(), done.ptr);
    if (!exponent && text.find('.') == std::string::npos) text += ".0";
    return text;
}

namespace {

Text scalar_text(const Value& value) {
    if (value.undefined()) return Text();
    if (value.is_none()) return Text("None");
    if (const auto* flag = value.as<bool>()) return Text(*flag ? "True" : "False");
    if (const auto* integer = value.as<std::int64_t>()) return Text(std::to_string(*integer));
    if (const auto* number = value.as<double>()) return Text(number_text(*number));
    return Text("<" + std::string(value.type_name()) + ">");
}

// 'text' with Python's choice of quotes and escapes.
void append_quoted(Text& out, const Text& text) {
    const bool single = text.bytes().find('\'') == std::string::npos || text.bytes().find('"') != std::string::npos;
    const char quote = single ? '\'' : '"';
    out.append(std::string_view(&quote, 1), Origin::Template);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text.bytes()[i];
        const Origin origin = text.client_at(i) ? Origin::Client : Origin::Template;
        if (c == '\n') out.append("\\n", origin);
        else if (c == '\r') out.append("\\r", origin);
        else if (c == '\t') out.append("\\t", origin);
        else if (c == '\\') out.append("\\\\", origin);
        else if (c == quote) out.append(std::string("\\") + quote, origin);
        else out.append(text, i, i + 1);
    }
    out.append(std::string_view(&quote, 1), Origin::Template);
}

void append_repr(Text& out, const Value& value, Budget& budget) {
    budget.pay(1);
    if (const Text* text = value.text()) {
        budget.pay_bytes(text->size());
        return append_quoted(out, *text);
    }
    std::string_view separator;
    if (const List* list = value.list()) {
        out.append("[", Origin::Template);
        for (const Value& item : *list) {
            out.append(std::exchange(separator, ", "), Origin::Template);
            append_repr(out, item, budget);
        }
        return out.append("]", Origin::Template);
    }
    if (value.as<SharedDict>() != nullptr) {
        out.append("{", Origin::Template);
        for (const auto& [name, member] : value.dict()->members()) {
            out.append(std::exchange(separator, ", "), Origin::Template);
            append_quoted(out, name);
            out.append(": ", Origin::Template);
            append_repr(out, member, budget);
        }
        return out.append("}", Origin::Template);
    }
    out.append(scalar_text(value));
}

}  // namespace

Text to_text(const Value& value, Budget& budget) {
    if (const Text* text = value.text()) {
        budget.pay_bytes(text->weight());
        return *text;
    }
    return to_repr(value, budget);
}

Text to_repr(const Value& value, Budget& budget) {
    Text out;
    append_repr(out, value, budget);
    return out;
}

std::size_t length_of(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), is_lead));
}

std::vector<std::size_t> character_offsets(std::string_view utf8) {
    std::vector<std::size_t> offsets;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        if (is_lead(utf8[i])) offsets.push_back(i);
    }
    offsets.push_back(utf8.size());
    return offsets;
}

}  // namespace sluice::local_engine::jinja
