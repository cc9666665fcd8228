// Looks decisions up in ledger.db beside the thread that writes it. Thread-safe; one indexed read per call.
#pragma once

#include "core/caller.hpp"
#include "policies/ledger/recent_decisions.hpp"
#include "policies/sqlite.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::policies {

class DecisionReader {
public:
    static core::Result<std::unique_ptr<DecisionReader>> open(const std::filesystem::path& directory);
    std::optional<RecentDecisions::Found> find(const std::string& id);

private:
    DecisionReader(Database database, Statement statement)
        : database_(std::move(database)), statement_(std::move(statement)) {}
    std::mutex mutex_;
    Database database_;
    Statement statement_;
};

}  // namespace sluice::policies
