#include "policies/sqlite.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <system_error>
#include <utility>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr int kBusyMilliseconds = 5000;
constexpr std::int64_t kFullCheckBytes = std::int64_t{32} << 20;
constexpr std::int64_t kQuickCheckBytes = std::int64_t{256} << 20;

Errc code_of(int status) {
    switch (status & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Errc::Corrupt;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_READONLY:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN: return Errc::Unavailable;
        default: return Errc::Internal;
    }
}

Error error_of(sqlite3* handle) {
    return Error{code_of(sqlite3_errcode(handle)), sqlite3_errmsg(handle)};
}

// Counting its memory takes a lock of the whole process at every allocation, and nobody reads the counts. Only the first call, before
// SQLite's first use, has an effect.
void do_not_count_memory() {
    static_cast<void>(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0));
}

// SQLite would make the file with the process umask: make it ourselves. Its -wal and -shm files inherit the mode.
Result<void> make_private_file(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ::fchmod(file, 0600) != 0) {
        const std::error_code reason{errno, std::generic_category()};
        if (file >= 0) ::close(file);
        return Error{Errc::Unavailable, path.string() + ": " + reason.message()};
    }
    ::close(file);
    return {};
}

}  // namespace

Result<bool> Statement::step() {
    const int status = sqlite3_step(handle_.get());
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    return error_of(sqlite3_db_handle(handle_.get()));
}

void Statement::reset() {
    sqlite3_reset(handle_.get());
    sqlite3_clear_bindings(handle_.get());
}

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    return bytes == nullptr ? std::string{}
                            : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

std::string_view Statement::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
    return bytes == nullptr
               ? std::string_view{}
               : std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

void Statement::bind_one(int index, std::int64_t value) {
    sqlite3_bind_int64(handle_.get(), index, value);
}

void Statement::bind_one(int index, std::string_view text) {
    // A null pointer would bind NULL.
    sqlite3_bind_text64(handle_.get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind_one(int index, Blob blob) {
    sqlite3_bind_blob64(handle_.get(), index, blob.bytes.empty() ? "" : blob.bytes.data(), blob.bytes.size(),
                        SQLITE_STATIC);
}

void Statement::bind_one(int index, const std::optional<std::int64_t>& value) {
    if (value) bind_one(index, *value);
    else sqlite3_bind_null(handle_.get(), index);
}

Result<Database> Database::open(const std::filesystem::path& path, Access access) {
    static std::once_flag configured;
    std::call_once(configured, do_not_count_memory);
    if (access == Access::ReadWrite) {
        if (auto made = make_private_file(path); !made) return made.error();
    } else if (!std::filesystem::exists(path)) {
        return Error{Errc::NotFound, path.string() + " does not exist"};
    }
    sqlite3* handle = nullptr;
    // NOMUTEX: one thread at a time is the rule of this class.
    const int status = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database{handle, path};
    if (status != SQLITE_OK) return database.error("cannot be opened");
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    const auto set = database.execute(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;"
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA cache_size = -16384;");  // KiB: a whole transaction of the applier, so that no page is written twice
    if (!set) return set.error();
    if (access == Access::ReadOnly) {
        if (const auto limited = database.execute("PRAGMA query_only = ON"); !limited) return limited.error();
    }
    return database;
}

Result<Statement> Database::prepare(Sql sql) const {
    sqlite3_stmt* statement = nullptr;
    const auto text = sql.text();
    const int status = sqlite3_prepare_v3(handle_.get(), text.data(), static_cast<int>(text.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) return error("refused a statement");
    return Statement{statement};
}

Result<void> Database::execute(Sql script) {
    if (sqlite3_exec(handle_.get(), script.text().data(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return error("failed");
    return {};
}

Result<void> Database::add_module(Sql name, const sqlite3_module& module, void* context, void (*destroy)(void*)) {
    if (sqlite3_create_module_v2(handle_.get(), name.text().data(), &module, context, destroy) != SQLITE_OK)
        return error("refused a table of the program");
    return {};
}

Result<bool> Database::checkpoint() {
    const int status = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (status == SQLITE_OK) return true;
    if ((status & 0xff) == SQLITE_BUSY) return false;
    return error("cannot be written to disk");
}

Result<std::int64_t> Database::query_integer(Sql sql) const {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    const auto row = statement->step();
    if (!row) return row.error();
    return *row ? statement->integer(0) : 0;
}

Result<void> Database::check() const {
    std::error_code ignored;
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path_, ignored));
    if (size > kQuickCheckBytes) return {};
    auto statement = size <= kFullCheckBytes ? prepare("PRAGMA integrity_check(1)") : prepare("PRAGMA quick_check(1)");
    if (!statement) return statement.error();
    const auto row = statement->step();
    if (!row) return Error{Errc::Corrupt, path_.string() + " is damaged: " + row.error().detail};
    if (const auto verdict = statement->text(0); verdict != "ok")
        return Error{Errc::Corrupt, path_.string() + " is damaged: " + verdict};
    return {};
}

Error Database::error(const char* doing) const {
    if (handle_ == nullptr) return Error{Errc::Unavailable, path_.string() + ": out of memory"};
    Error reason = error_of(handle_.get());
    reason.detail = path_.string() + " " + doing + ": " + reason.detail;
    return reason;
}

Result<Transaction> Transaction::begin(Database& database) {
    if (const auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
    return Transaction{database};
}

Transaction::~Transaction() {
    if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

Result<void> Transaction::commit() {
    if (const auto committed = database_->execute("COMMIT"); !committed) return committed.error();
    database_ = nullptr;
    return {};
}

Result<void> make_private_directory(const std::filesystem::path& directory) {
    std::error_code reason;
    std::filesystem::create_directories(directory.parent_path(), reason);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) reason = {errno, std::generic_category()};
    else if (::chmod(directory.c_str(), 0700) != 0) reason = {errno, std::generic_category()};
    else reason.clear();
    if (reason) return Error{Errc::Unavailable, directory.string() + ": " + reason.message()};
    return {};
}

}  // namespace sluice::policies
