#include "policies/sensitivity/text_view.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/unicode.hpp"

#include <algorithm>
#include <utility>

namespace sluice::policies {

namespace {

constexpr std::size_t kMostStride = 64;

}  // namespace

const TextView::Run& TextView::run_of(std::size_t at) const {
    return *(std::ranges::upper_bound(runs_, at, {}, &Run::at) - 1);
}

std::size_t TextView::original_begin(std::size_t begin) const {
    const Run& run = run_of(begin);
    return run.original + (begin - run.at) * run.stride;
}

std::size_t TextView::original_end(std::size_t end) const {
    const Run& run = run_of(end - 1);
    return run.original + (end - 1 - run.at) * run.stride + run.width;
}

void TextView::copy(std::string_view original, std::size_t at, std::size_t size) {
    if (size == 0) return;
    if (new_run_) runs_.push_back({text_.size(), at, 1, 1});
    new_run_ = false;
    text_.append(original.substr(at, size));
}

// Long numbers in other digits, or written apart, are one run: what comes next lies where its rule says.
bool TextView::extend_run(std::size_t at, std::size_t size) {
    if (runs_.empty() || runs_.back().width != size) return false;
    Run& run = runs_.back();
    const std::size_t bytes = text_.size() - run.at;
    if (bytes == 1 && run.stride == 0 && at - run.original <= kMostStride) run.stride = static_cast<std::uint32_t>(at - run.original);
    return run.stride != 0 && at == run.original + bytes * run.stride;
}

void TextView::replace(std::string_view bytes, std::size_t at, std::size_t size) {
    changed_ = new_run_ = true;
    if (bytes.empty()) return;
    if (bytes.size() > 1 || !extend_run(at, size)) runs_.push_back({text_.size(), at, static_cast<std::uint32_t>(size), 0});
    text_.append(bytes);
}

namespace {

// Of the token around a character: whether ASCII letters or digits are in it, and whether all others look like some.
struct Token {
    std::size_t end = 0;
    bool mixed = false;
};

Token token_at(std::string_view text, std::size_t at) {
    Token token{at, false};
    bool ascii = false;
    bool other = false;
    bool all_alike = true;
    while (token.end < text.size()) {
        const Character character = decode_character(text, token.end);
        if (character.code <= ' ' || character.code == ',' || character.code == ';' || character.code == '"' || character.code == ':') break;
        if (character.code < 0x80) ascii = ascii || detail::is_alnum(static_cast<char>(character.code));
        else if (!is_invisible(character.code) && ascii_form(character.code).empty()) {
            other = true;
            all_alike = all_alike && lookalike(character.code) != '\0';
        }
        token.end += character.size;
    }
    if (token.end == at) token.end += decode_character(text, at).size;
    token.mixed = ascii && other && all_alike;
    return token;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::optional<TextView> folded(std::string_view original) {
    if (is_ascii(original)) return std::nullopt;
    TextView view;
    Token token;
    std::size_t copied = 0;  // what is behind it is still to be copied, as it is
    for (std::size_t i = 0; i < original.size();) {
        if (i >= token.end) token = token_at(original, i);
        const Character character = decode_character(original, i);
        const std::size_t at = std::exchange(i, i + character.size);
        if (character.code < 0x80) continue;
        const bool invisible = is_invisible(character.code);
        const auto form = invisible ? std::string{} : ascii_form(character.code);
        const char alike = invisible || !form.empty() || !token.mixed ? '\0' : lookalike(character.code);
        if (!invisible && form.empty() && alike == '\0') continue;
        view.copy(original, copied, at - copied);
        copied = i;
        if (invisible) view.skip();
        else if (!form.empty()) view.replace(form, at, character.size);
        else view.replace({&alike, 1}, at, character.size);
    }
    if (!view.changed()) return std::nullopt;
    view.copy(original, copied, original.size() - copied);
    if (view.text().empty()) return std::nullopt;
    return view;
}

}  // namespace sluice::policies
