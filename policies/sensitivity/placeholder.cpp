#include "policies/sensitivity/placeholder.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::policies {

namespace detail {

bool is_tail(std::string_view lower) {
    if (lower.size() != PlaceholderMap::kTailLetters) return false;
    for (std::size_t i = 0; i < lower.size(); ++i)
        if ((i % 2 == 0 ? kTailConsonants : kTailDigits).find(lower[i]) == std::string_view::npos) return false;
    return true;
}

std::size_t separator_at(std::string_view text, std::size_t at) {
    if (at >= text.size()) return 0;
    if (std::string_view{"_- \\:./"}.find(text[at]) != std::string_view::npos) return 1;
    const auto rest = text.substr(at);
    if (rest.starts_with("\xc2\xa0")) return 2;                                          // no-break space
    if (rest.starts_with("\xe2\x80\x91") || rest.starts_with("\xe2\x80\x93")) return 3;  // hyphen, en dash
    return 0;
}

}  // namespace detail

namespace {

constexpr std::size_t kMostTypeLetters = 24;

// Findings have names like "US_SSN" and "SHA256_KEY"; digits would be taken for the number. Some names are the very label words
// that make the detectors take what follows for the number itself: those are told by their second half.
std::string type_name(std::string_view type) {
    if (type == "MEDICAL_RECORD") return "RECORD";
    if (type == "DRIVER_LICENSE") return "LICENSE";
    std::string out;
    for (const char c : type.substr(0, kMostTypeLetters))
        if (detail::is_alpha(c)) out += detail::to_upper(c);
        else if (c == '_' && !out.empty() && out.back() != '_') out += '_';
    while (!out.empty() && out.back() == '_') out.pop_back();
    return out.empty() ? "VALUE" : out;
}

std::string tail_of(const core::Digest& digest) {
    std::string tail;
    for (std::size_t i = 0; i < PlaceholderMap::kTailLetters; ++i) {
        // Two bytes each: the bias of the remainder is below 2^-11.
        const std::size_t number = static_cast<std::size_t>(digest[2 * i]) << 8U | digest[2 * i + 1];
        const auto& alphabet = i % 2 == 0 ? detail::kTailConsonants : detail::kTailDigits;
        tail += alphabet[number % alphabet.size()];
    }
    return tail;
}

void write(std::string& out, std::string_view text) {
    out += std::to_string(text.size());
    out += ':';
    out += text;
}

bool read(std::string_view& in, std::string& text, std::size_t most) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(in.data(), in.data() + in.size(), size);
    const auto used = static_cast<std::size_t>(end - in.data());
    if (error != std::errc{} || used >= in.size() || *end != ':' || size > most || size > in.size() - used - 1)
        return false;
    text = in.substr(used + 1, size);
    in.remove_prefix(used + 1 + size);
    return true;
}

}  // namespace

const Placeholder* PlaceholderMap::of_value(std::string_view value) const {
    const auto found = by_value_.find(value);
    return found == by_value_.end() ? nullptr : found->second;
}

const Placeholder* PlaceholderMap::of_tail(std::string_view tail) const {
    const auto found = by_tail_.find(tail);
    return found == by_tail_.end() ? nullptr : found->second;
}

bool PlaceholderMap::may_begin_tail(std::string_view begin) const {
    const auto found = by_tail_.lower_bound(begin);
    return found != by_tail_.end() && found->first.starts_with(begin);
}

const Placeholder* PlaceholderMap::add(Placeholder placeholder) {
    if (all_.size() >= kMostValues || placeholder.value.empty() || placeholder.value.size() > kMostValueBytes)
        return nullptr;
    if (placeholder.type != type_name(placeholder.type) || !detail::is_tail(placeholder.tail) || placeholder.number < 1)
        return nullptr;
    if (by_tail_.contains(placeholder.tail) || by_value_.contains(placeholder.value)) return nullptr;
    const Placeholder& kept = *all_.emplace_back(std::make_unique<Placeholder>(std::move(placeholder)));
    by_value_.emplace(kept.value, &kept);
    by_tail_.emplace(kept.tail, &kept);
    if (std::ranges::find(types_, kept.type) == types_.end()) types_.push_back(kept.type);
    int& last = last_number_[kept.type];
    last = std::max(last, kept.number);
    return &kept;
}

int PlaceholderMap::next_number(const std::string& type) const {
    const auto found = last_number_.find(type);
    return found == last_number_.end() ? 1 : found->second + 1;
}

PlaceholderMap& PlaceholderMap::operator=(const PlaceholderMap& other) {
    if (this == &other) return *this;
    PlaceholderMap copy;
    for (const auto& placeholder : other.all_) copy.add(*placeholder);
    *this = std::move(copy);
    return *this;
}

std::string PlaceholderMap::encode() const {
    std::string out = "1;";
    for (const auto& placeholder : all_) {
        write(out, placeholder->type);
        write(out, std::to_string(placeholder->number));
        write(out, placeholder->tail);
        write(out, placeholder->value);
    }
    return out;
}

bool PlaceholderMap::decode(std::string_view bytes, PlaceholderMap& out) {
    if (!bytes.starts_with("1;")) return false;
    bytes.remove_prefix(2);
    PlaceholderMap map;
    while (!bytes.empty()) {
        Placeholder one;
        std::string number;
        if (!read(bytes, one.type, kMostTypeLetters) || !read(bytes, number, 6) ||
            !read(bytes, one.tail, kTailLetters) || !read(bytes, one.value, kMostValueBytes))
            return false;
        const auto parsed = std::from_chars(number.data(), number.data() + number.size(), one.number);
        if (parsed.ec != std::errc{} || parsed.ptr != number.data() + number.size()) return false;
        if (map.add(std::move(one)) == nullptr) return false;
    }
    out = std::move(map);
    return true;
}

void PlaceholderMaker::forbid_tails_of(std::string_view text) {
    std::string run;  // the letters and digits behind the last separator or digit-letter border, folded
    const std::size_t length = PlaceholderMap::kTailLetters;
    for (const char c : text) {
        if (!detail::is_alnum(c)) {
            run.clear();
            continue;
        }
        run += detail::to_lower(c);
        if (run.size() > length) run.erase(0, run.size() - length);
        if (run.size() == length && detail::is_tail(run) && !overfull()) forbidden_.insert(run);
    }
}

const Placeholder* PlaceholderMaker::place(std::string_view type, std::string_view value, PlaceholderMap& map) const {
    if (const auto* known = map.of_value(value)) return known;
    if (overfull()) return nullptr;
    const std::string name = type_name(type);
    for (int attempt = 0; attempt < 64; ++attempt) {
        std::string input = std::to_string(attempt) + ";" + name + ";";
        input += value;
        std::string tail = tail_of(hmac_.mac(input));
        if (forbidden_.contains(tail) || map.of_tail(tail) != nullptr) continue;
        return map.add(
            {.type = name, .number = map.next_number(name), .tail = std::move(tail), .value = std::string{value}});
    }
    return nullptr;
}

}  // namespace sluice::policies
