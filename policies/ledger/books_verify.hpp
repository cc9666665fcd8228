// Derives everything again from the records and compares. Reads the whole database; for `verify`.
#pragma once

#include "policies/sqlite.hpp"
#include "policies/usage_report.hpp"

namespace sluice::policies {

// Corrupt: the first record that does not match its hash, entry or place, or the sum that differs.
core::Result<VerifyReport> verify_books(Database& database);

}  // namespace sluice::policies
