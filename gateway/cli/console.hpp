// Where a command reads and writes. Commands never touch the process's own streams, so that tests run them in memory.
#pragma once

#include "core/json.hpp"
#include "core/result.hpp"

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;  // command line or configuration

struct Console {
    std::istream& in;
    std::ostream& out;         // what was asked for
    std::ostream& error;       // what went wrong, and progress
    bool interactive = false;  // `error` is a terminal: progress may rewrite its line
};

// "sluice: detail" on the error stream; returns kFailed, or kWrongUsage for InvalidRequest.
int fail(Console& console, const core::Error& error);

enum class Align { Left, Right };
struct Column {
    std::string title;
    Align align = Align::Left;
};

// Columns as wide as their widest cell, two spaces apart, titles in front. Cells come from users: control characters
// are shown as '?'. No rows: `if_empty` instead.
void print_table(std::ostream& out, const std::vector<Column>& columns,
                 const std::vector<std::vector<std::string>>& rows, std::string_view if_empty);

// Pretty-printed, with a newline.
void print_json(std::ostream& out, const core::Json& value);

// 1234567 -> "1,234,567".
std::string grouped(std::int64_t number);

}  // namespace sluice::gateway::cli
