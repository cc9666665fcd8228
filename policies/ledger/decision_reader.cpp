#include "policies/ledger/decision_reader.hpp"

#include "policies/ledger/books.hpp"

namespace sluice::policies {

core::Result<std::unique_ptr<DecisionReader>> DecisionReader::open(const std::filesystem::path& directory) {
    auto database = Database::open(Books::path_in(directory), Database::Access::ReadOnly);
    if (!database) return database.error();
    auto statement = database->prepare(
        "SELECT d.team, r.type, r.payload FROM decisions d JOIN records r USING(sequence) WHERE d.id = ?");
    if (!statement) return statement.error();
    return std::unique_ptr<DecisionReader>{new DecisionReader{std::move(*database), std::move(*statement)}};
}

std::optional<RecentDecisions::Found> DecisionReader::find(const std::string& id) {
    const std::lock_guard lock{mutex_};
    const auto row = statement_.bind(id).step();
    std::optional<RecentDecisions::Found> found;
    if (row && *row) {
        found.emplace(RecentDecisions::Found{.team = {statement_.integer(0)}, .json = {}});
        const auto payload = statement_.blob(2);
        if (statement_.integer(1) == static_cast<int>(RecordType::Settle)) {
            if (auto settle = decode_settle(payload)) found->json = std::move(settle->decision_json);
        } else if (auto decision = decode_decision(payload)) {
            found->json = std::move(decision->decision_json);
        }
    }
    statement_.reset();  // ends the read transaction, so that checkpoints are not held up
    return found;
}

}  // namespace sluice::policies
