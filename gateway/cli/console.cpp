#include "gateway/cli/console.hpp"

#include <algorithm>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

// Terminal columns of UTF-8 text, one per code point: names and numbers, no wide scripts are lined up.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string harmless(std::string_view text) {
    std::string shown(text);
    std::ranges::replace_if(
        shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return shown;
}

}  // namespace

int fail(Console& console, const core::Error& error) {
    console.error << "sluice: " << core::describe(error) << '\n';
    return error.code == core::Errc::InvalidRequest ? kWrongUsage : kFailed;
}

void print_table(std::ostream& out, const std::vector<Column>& columns,
                 const std::vector<std::vector<std::string>>& rows, std::string_view if_empty) {
    if (rows.empty()) {
        out << if_empty << '\n';
        return;
    }
    std::vector<std::vector<std::string>> lines(1);
    for (const Column& column : columns) lines.front().push_back(column.title);
    for (const auto& row : rows) {
        auto& line = lines.emplace_back();
        for (const std::string& cell : row) line.push_back(harmless(cell));
    }
    std::vector<std::size_t> widths(columns.size(), 0);
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < columns.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
    }
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::string padding(widths[i] - width_of(line[i]), ' ');
            if (i > 0) text += "  ";
            text += columns[i].align == Align::Right ? padding + line[i] : line[i] + padding;
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out << text << '\n';
    }
}

void print_json(std::ostream& out, const core::Json& value) {
    out << value.dump(2, ' ', false, core::Json::error_handler_t::replace) << '\n';
}

std::string grouped(std::int64_t number) {
    std::string digits = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

}  // namespace sluice::gateway::cli
