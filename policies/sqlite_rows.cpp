#include "policies/sqlite_rows.hpp"

#include <memory>
#include <new>

namespace sluice::policies {

namespace {

struct Shown {
    const Rows& rows;
    Sql create_table;
};

struct Table {
    sqlite3_vtab base;  // first: SQLite knows a Table by it
    const Rows& rows;
};

struct Cursor {
    sqlite3_vtab_cursor base;
    const Rows& rows;
    std::size_t row;
};

Cursor& cursor_of(sqlite3_vtab_cursor* base) {
    return *reinterpret_cast<Cursor*>(base);
}

int connect(sqlite3* database, void* shown_as, int, const char* const*, sqlite3_vtab** made, char**) {
    const auto& shown = *static_cast<const Shown*>(shown_as);
    if (const int declared = sqlite3_declare_vtab(database, shown.create_table.text().data()); declared != SQLITE_OK)
        return declared;
    auto* table = new (std::nothrow) Table{{}, shown.rows};
    if (table == nullptr) return SQLITE_NOMEM;
    *made = &table->base;
    return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
    delete reinterpret_cast<Table*>(table);
    return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
    info->estimatedCost = 1;  // always from the first row to the last
    return SQLITE_OK;
}

int open(sqlite3_vtab* table, sqlite3_vtab_cursor** made) {
    auto* cursor = new (std::nothrow) Cursor{{}, reinterpret_cast<Table*>(table)->rows, 0};
    if (cursor == nullptr) return SQLITE_NOMEM;
    *made = &cursor->base;
    return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
    delete &cursor_of(cursor);
    return SQLITE_OK;
}

int to_first(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
    cursor_of(cursor).row = 0;
    return SQLITE_OK;
}

int to_next(sqlite3_vtab_cursor* cursor) {
    ++cursor_of(cursor).row;
    return SQLITE_OK;
}

int at_end(sqlite3_vtab_cursor* cursor) {
    return cursor_of(cursor).row >= cursor_of(cursor).rows.size() ? 1 : 0;
}

int read_cell(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
    const Cursor& cursor = cursor_of(base);
    cursor.rows.cell(cursor.row, column, Cell{context});
    return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
    *id = static_cast<sqlite3_int64>(cursor_of(cursor).row);
    return SQLITE_OK;
}

// Without xCreate: the table is there by itself, in this connection only, and nothing of it is ever stored.
constexpr sqlite3_module module_of_rows() {
    sqlite3_module module{};
    module.xConnect = connect;
    module.xBestIndex = best_index;
    module.xDisconnect = disconnect;
    module.xOpen = open;
    module.xClose = close;
    module.xFilter = to_first;
    module.xNext = to_next;
    module.xEof = at_end;
    module.xColumn = read_cell;
    module.xRowid = row_id;
    return module;
}

constexpr sqlite3_module kRows = module_of_rows();

}  // namespace

core::Result<void> show_rows(Database& database, Sql name, Sql create_table, const Rows& rows) {
    auto shown = std::make_unique<Shown>(Shown{rows, create_table});
    return database.add_module(name, kRows, shown.release(), [](void* gone) { delete static_cast<Shown*>(gone); });
}

}  // namespace sluice::policies
