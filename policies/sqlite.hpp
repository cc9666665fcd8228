// A thin owner of SQLite handles. Values reach a statement only as bound parameters: `Sql` is made from string literals
// alone, so SQL glued together at run time does not compile.
// A Database and its statements belong to one thread at a time. Errors: Corrupt for a damaged file, Unavailable for a
// busy or unwritable one, Internal otherwise; the detail is SQLite's own message and holds no bound values.
#pragma once

#include "core/crypto.hpp"
#include "core/result.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::policies {

class Sql {
public:
    consteval Sql(const char* literal) : text_(literal) {}  // NOLINT(google-explicit-constructor)
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

struct Blob {
    std::string_view bytes;
};

inline Blob as_blob(const core::Digest& digest) {
    return {{reinterpret_cast<const char*>(digest.data()), digest.size()}};
}

// Bound values are not copied: they stay alive until reset() or the end of run().
class Statement {
public:
    template <class... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        (bind_one(++index, values), ...);
        return *this;
    }
    core::Result<bool> step();  // true: a row is there
    void reset();

    template <class... Values>
    core::Result<void> run(const Values&... values) {
        bind(values...);
        const auto stepped = step();
        reset();
        if (!stepped) return stepped.error();
        return {};
    }

    std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
    std::string text(int column) const;
    std::string_view blob(int column) const;  // until the next step
    bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
    std::optional<std::int64_t> optional_integer(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
    void bind_one(int index, std::int64_t value);
    void bind_one(int index, std::string_view text);
    void bind_one(int index, Blob blob);
    void bind_one(int index, const std::optional<std::int64_t>& value);

    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Database {
public:
    enum class Access { ReadWrite, ReadOnly };

    // Opens or makes the file with mode 0600, in WAL with synchronous=FULL, foreign_keys, cell_size_check and no
    // trusted schema. ReadOnly refuses to write but takes part in WAL, so it sees every commit; NotFound when there is
    // no file.
    static core::Result<Database> open(const std::filesystem::path& path, Access access);

    core::Result<Statement> prepare(Sql sql) const;
    core::Result<void> execute(Sql script);  // one or more statements without parameters
    core::Result<std::int64_t> query_integer(Sql sql) const;
    // A virtual table of this connection; `module` outlives it, `context` is given to `destroy` in any case.
    core::Result<void> add_module(Sql name, const sqlite3_module& module, void* context, void (*destroy)(void*));
    // Every commit so far is on disk when this is true; false: another process does the same just now. Waits for nobody.
    core::Result<bool> checkpoint();
    // The whole file is sound: integrity_check for small ones, quick_check above, nothing for the huge (verify reads
    // those).
    core::Result<void> check() const;
    // The number of rows the last statement changed, and the key it inserted.
    std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
    std::int64_t last_insert_rowid() const { return sqlite3_last_insert_rowid(handle_.get()); }
    const std::filesystem::path& path() const { return path_; }

private:
    struct Close {
        void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
    };
    Database(sqlite3* handle, std::filesystem::path path) : handle_(handle), path_(std::move(path)) {}
    core::Error error(const char* doing) const;

    std::unique_ptr<sqlite3, Close> handle_;
    std::filesystem::path path_;
};

// BEGIN IMMEDIATE; rolled back by the destructor unless committed.
class Transaction {
public:
    static core::Result<Transaction> begin(Database& database);
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    core::Result<void> commit();

private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

// Makes DIRECTORY, parents included, with mode 0700; an existing one is tightened to it.
core::Result<void> make_private_directory(const std::filesystem::path& directory);

}  // namespace sluice::policies
