// "four one one one ..." as 4111...: digits written as words, seven or more in a row.
#include "policies/sensitivity/phrases.hpp"
#include "policies/sensitivity/proper_words.hpp"
#include "policies/sensitivity/text_view.hpp"

#include <array>

namespace sluice::policies {

namespace {

// Words of each digit; "oh" and "o" are how people say zero.
constexpr std::array<std::string_view, 10> kWords{"zero;oh;o;null;cero;ноль;nul;nulla", "one;eins;un;uno;um;один;een;ein",         "two;zwei;deux;dos;due;dois;два;twee;zwo",
                                                  "three;drei;trois;tres;tre;три;drie", "four;vier;quatre;cuatro;quattro;quatro;четыре", "five;funf;fuenf;cinq;cinco;cinque;пять;vijf",
                                                  "six;sechs;seis;sei;шесть;zes",       "seven;sieben;sept;siete;sette;sete;семь;zeven", "eight;acht;huit;ocho;otto;oito;восемь",
                                                  "nine;neun;neuf;nueve;nove;девять;negen"};
constexpr std::size_t kLeast = 7;

const detail::Phrases& digit_phrases() {
    static const detail::Phrases phrases = [] {
        detail::Phrases out;
        for (std::size_t digit = 0; digit < kWords.size(); ++digit) out.add(static_cast<detail::Phrases::Label>(digit), kWords[digit]);
        out.close();
        return out;
    }();
    return phrases;
}

struct Digit {
    std::size_t begin;
    std::size_t end;
    char digit;
};

// The digit word at `at`, if there is one.
bool digit_word(std::string_view text, std::size_t at, Digit& out) {
    bool found = false;
    digit_phrases().look(text, at, [&](detail::Phrases::Label label, std::size_t end) {
        out = {at, end, static_cast<char>('0' + label)};
        found = true;
    });
    return found;
}

void append_digits(TextView& view, const std::vector<Digit>& digits) {
    for (std::size_t i = 0; i < digits.size(); ++i) {
        std::string bytes(1, digits[i].digit);
        if (digits.size() == 9 && (i == 2 || i == 4)) bytes += '-';
        if (digits.size() == 10 && (i == 2 || i == 5)) bytes += '-';
        view.replace(bytes, digits[i].begin, digits[i].end - digits[i].begin);
    }
}

}  // namespace

std::optional<TextView> spelled(std::string_view original) {
    TextView view;
    std::size_t copied = 0;
    std::vector<Digit> digits;
    const auto flush = [&] {
        if (digits.size() >= kLeast) {
            view.copy(original, copied, digits.front().begin - copied);
            append_digits(view, digits);
            copied = digits.back().end;
        }
        digits.clear();
    };
    for (std::size_t i = 0; i < original.size();) {
        if (!detail::is_letter(original[i])) {
            ++i;
            continue;
        }
        Digit digit{};
        const bool near = digits.empty() || i - digits.back().end <= 3;
        if (!near) flush();
        if (digit_word(original, i, digit)) {
            digits.push_back(digit);
            i = digit.end;
        } else {
            flush();
            while (i < original.size() && detail::is_letter(original[i])) ++i;
        }
    }
    flush();
    if (!view.changed()) return std::nullopt;
    view.copy(original, copied, original.size() - copied);
    return view;
}

}  // namespace sluice::policies
