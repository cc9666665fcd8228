// Rows that the program holds, as a table that SQL can read: one statement stores many of them. A statement for each
// row spends more on beginning and ending than on the row.
//
//   RowsOf<PostingRow> postings;  // PostingRow says what is in each column: void cell(int column, Cell out) const
//   show_rows(database, "new_postings", "CREATE TABLE t(entry, account, amount)", postings);
//   INSERT INTO postings SELECT entry, account, amount FROM new_postings
#pragma once

#include "policies/sqlite.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::policies {

// Where one value goes. Text and blobs are not copied: they stay as they are until the statement is through.
class Cell {
public:
    explicit Cell(sqlite3_context* context) : context_(context) {}
    void set(std::int64_t value) const { sqlite3_result_int64(context_, value); }
    void set(std::string_view text) const {
        sqlite3_result_text64(context_, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    void set(Blob blob) const {
        sqlite3_result_blob64(context_, blob.bytes.empty() ? "" : blob.bytes.data(), blob.bytes.size(), SQLITE_STATIC);
    }

private:
    sqlite3_context* context_;
};

class Rows {
public:
    Rows() = default;
    Rows(const Rows&) = delete;  // SQLite keeps its address
    Rows& operator=(const Rows&) = delete;
    virtual ~Rows() = default;
    virtual std::size_t size() const = 0;
    virtual void cell(std::size_t row, int column, Cell out) const = 0;
};

template <class Row>
class RowsOf final : public Rows {
public:
    std::vector<Row> rows;
    std::size_t size() const override { return rows.size(); }
    void cell(std::size_t row, int column, Cell out) const override { rows[row].cell(column, out); }
};

// `name` becomes a table of this connection with the columns of `create_table`. `rows` outlives the database's last
// statement.
core::Result<void> show_rows(Database& database, Sql name, Sql create_table, const Rows& rows);

}  // namespace sluice::policies
