#include "policies/sensitivity/text_view.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/unicode.hpp"

#include <algorithm>

namespace sluice::policies {

const TextView::Run& TextView::run_of(std::size_t at) const {
    return *(std::ranges::upper_bound(runs_, at, {}, &Run::at) - 1);
}

std::size_t TextView::original_begin(std::size_t begin) const {
    const Run& run = run_of(begin);
    return run.original_size > 0 ? run.original : run.original + (begin - run.at);
}

std::size_t TextView::original_end(std::size_t end) const {
    const Run& run = run_of(end - 1);
    return run.original_size > 0 ? run.original + run.original_size : run.original + (end - run.at);
}

void TextView::copy(std::string_view original, std::size_t at, std::size_t size) {
    if (size == 0) return;
    if (new_run_) runs_.push_back({text_.size(), at, 0});
    new_run_ = false;
    text_.append(original.substr(at, size));
}

void TextView::replace(std::string_view bytes, std::size_t at, std::size_t size) {
    changed_ = new_run_ = true;
    if (bytes.empty()) return;
    runs_.push_back({text_.size(), at, size});
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
    for (std::size_t i = 0; i < original.size();) {
        if (i >= token.end) token = token_at(original, i);
        const Character character = decode_character(original, i);
        if (character.code < 0x80) view.copy(original, i, 1);
        else if (is_invisible(character.code)) view.skip();
        else if (const auto form = ascii_form(character.code); !form.empty()) view.replace(form, i, character.size);
        else if (const char alike = token.mixed ? lookalike(character.code) : '\0'; alike != '\0')
            view.replace({&alike, 1}, i, character.size);
        else view.copy(original, i, character.size);
        i += character.size;
    }
    if (!view.changed() || view.text().empty()) return std::nullopt;
    return view;
}

}  // namespace sluice::policies
