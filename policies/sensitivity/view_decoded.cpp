// Base64 and hexadecimal that hold text.
#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/text_view.hpp"
#include "policies/sensitivity/unicode.hpp"

#include <algorithm>
#include <array>

namespace sluice::policies {

namespace {

constexpr std::size_t kLeastRun = 16;  // characters of a run
constexpr std::size_t kMostDecoded = std::size_t{1} << 20U;  // bytes of all runs of a text

constexpr std::array<std::int8_t, 256> kBase64 = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (int i = 0; i < 26; ++i) {
        table[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(i);
        table[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(26 + i);
    }
    for (int i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(52 + i);
    table['+'] = table['-'] = 62;
    table['/'] = table['_'] = 63;
    return table;
}();

int base64_value(char c) {
    return kBase64[static_cast<unsigned char>(c)];
}

bool is_odd(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f;
}

// At least nine in ten bytes are printable, and they are UTF-8.
bool is_text(std::string_view bytes) {
    const auto odd = std::ranges::count_if(bytes, is_odd);
    return bytes.size() >= 6 && static_cast<std::size_t>(odd) * 10 <= bytes.size() && is_utf8(bytes);
}

// UTF-16 of mostly ASCII: every other byte is zero.
std::string narrowed(std::string_view bytes) {
    if (bytes.size() < 12 || bytes.size() % 2 != 0) return {};
    for (const std::size_t low : {0U, 1U}) {
        std::string out;
        for (std::size_t i = 0; i < bytes.size() && bytes[i + 1 - low] == '\0'; i += 2) out += bytes[i + low];
        if (out.size() == bytes.size() / 2) return out;
    }
    return {};
}

// Says when so many of the bytes decoded so far are odd that all of them, `size`, are no text; most words that are no encoded
// text show it within a few. In UTF-16 every other byte is odd: there one of the first two is zero, and nothing is said.
class Doubt {
public:
    explicit Doubt(std::size_t size) : most_(size / 10) {}
    bool grows(const std::string& bytes) {
        odd_ += is_odd(bytes.back()) ? 1U : 0U;
        return odd_ > most_ && bytes.size() > 1 && bytes[0] != '\0' && bytes[1] != '\0';
    }

private:
    std::size_t most_;
    std::size_t odd_ = 0;
};

std::string from_base64(std::string_view run) {
    std::string out;
    out.reserve(run.size() * 3 / 4);
    Doubt doubt{run.size() * 3 / 4};
    unsigned bits = 0;
    unsigned count = 0;
    for (const char c : run) {
        bits = (bits << 6U) | static_cast<unsigned>(base64_value(c));
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(static_cast<unsigned char>(bits >> count & 0xffU));
        if (doubt.grows(out)) return {};
        // Most long words are no base64: their bytes show it at once.
        if (out.size() == 12 && !std::ranges::any_of(out, [](char b) { return b == '\0'; }) &&
            std::ranges::count_if(out, [](char b) { return static_cast<unsigned char>(b) < 0x20 && b != '\n' && b != '\r' && b != '\t'; }) > 2)
            return {};
    }
    return out;
}

std::string from_hex(std::string_view run) {
    const auto value = [](char c) { return static_cast<unsigned>(detail::is_digit(c) ? c - '0' : detail::to_lower(c) - 'a' + 10); };
    std::string out;
    Doubt doubt{run.size() / 2};
    for (std::size_t i = 0; i + 1 < run.size(); i += 2) {
        out += static_cast<char>(static_cast<unsigned char>(value(run[i]) * 16 + value(run[i + 1])));
        if (doubt.grows(out)) return {};
    }
    return out;
}

std::string decode_run(std::string_view run) {
    const auto text_of = [](std::string bytes) {
        if (is_text(bytes)) return bytes;
        auto narrow = narrowed(bytes);
        return is_text(narrow) ? narrow : std::string{};
    };
    if (run.size() % 2 == 0 && std::ranges::all_of(run, detail::is_hex))
        if (auto text = text_of(from_hex(run)); !text.empty()) return text;
    if (run.size() % 4 == 1) return {};
    return text_of(from_base64(run));
}

}  // namespace

std::optional<TextView> decoded(std::string_view original) {
    TextView view;
    std::size_t copied = 0;
    std::size_t budget = kMostDecoded;
    for (std::size_t i = 0; i < original.size();) {
        if (base64_value(original[i]) < 0) {
            ++i;
            continue;
        }
        std::size_t begin = i;
        // Lines of 76 characters are one run.
        std::string lines;
        std::size_t end = i;
        while (end < original.size() && base64_value(original[end]) >= 0) ++end;
        const std::size_t first_end = end;
        if (end - begin >= 60 && end < original.size() && (original[end] == '\n' || original[end] == '\r')) {
            const std::size_t width = end - begin;
            std::size_t next = end;
            lines = original.substr(begin, width);
            while (next < original.size() && lines.size() < budget) {
                std::size_t line = next;
                while (line < original.size() && (original[line] == '\n' || original[line] == '\r') && line < next + 2) ++line;
                std::size_t stop = line;
                while (stop < original.size() && stop - line <= width && base64_value(original[stop]) >= 0) ++stop;
                if (stop == line || stop - line > width) break;
                lines += original.substr(line, stop - line);
                end = next = stop;
                if (stop - line < width) break;
            }
        }
        auto run = lines.empty() ? original.substr(begin, end - begin) : std::string_view{lines};
        i = end;
        if (run.size() < kLeastRun - 1 || run.size() / 4 * 3 > budget) continue;
        std::size_t padded = end;
        while (padded < original.size() && padded < end + 2 && original[padded] == '=') ++padded;
        if (run.size() + (padded - end) < kLeastRun) continue;
        auto text = decode_run(run);
        // The next line is none of this one's ("- and so on" begins with a mark of the alphabet).
        if (text.empty() && !lines.empty() && end - first_end <= first_end - begin + 2) {
            run = original.substr(begin, first_end - begin);
            i = padded = first_end;
            text = decode_run(run);
        }
        // "/path/to" and "key-<base64>" hide where the run begins: try behind the last mark as well.
        if (text.empty() && lines.empty()) {
            const auto behind = static_cast<std::size_t>(std::ranges::find_if_not(run.rbegin(), run.rend(), detail::is_alnum) - run.rbegin());
            const std::size_t mark = run.size() - behind - 1;
            if (behind < run.size() && run.size() - mark - 1 >= kLeastRun) {
                text = decode_run(run.substr(mark + 1));
                begin += mark + 1;
            }
        }
        if (text.empty()) continue;
        budget -= std::min(budget, text.size());
        view.copy(original, copied, begin - copied);
        view.replace(text, begin, padded - begin);
        copied = i = padded;
    }
    if (!view.changed()) return std::nullopt;
    view.copy(original, copied, original.size() - copied);
    return view;
}

}  // namespace sluice::policies
