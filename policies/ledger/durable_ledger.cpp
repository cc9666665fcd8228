#include "policies/ledger/durable_ledger.hpp"

#include "policies/ledger/applier.hpp"
#include "policies/ledger/budget.hpp"
#include "policies/ledger/decision_reader.hpp"
#include "policies/ledger/journal.hpp"
#include "policies/ledger/ledger_directory.hpp"
#include "policies/ledger/recent_decisions.hpp"

#include <algorithm>
#include <utility>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::NanoUsd;
using core::Result;

constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxUserBytes = 256;
constexpr std::int32_t kKnownDays = 62;  // spend kept in memory: a clock that goes back further stops holds

// At most kMaxUserBytes, cut between characters.
void shorten_user(std::string& user) {
    if (user.size() <= kMaxUserBytes) return;
    std::size_t end = kMaxUserBytes;
    while (end > 0 && (static_cast<unsigned char>(user[end]) & 0xc0U) == 0x80U) --end;
    user.resize(end);
}

SettledBy settled_by(const Settlement& settlement, NanoUsd charge) {
    const auto& usage = settlement.usage;
    if (charge.value == 0 && usage.prompt <= 0 && usage.completion <= 0) return SettledBy::Void;
    return settlement.estimated || usage.estimated ? SettledBy::Estimate : SettledBy::Usage;
}

// Each payload is encoded in a buffer of its thread, whose capacity stays.
template <class AnyRecord>
std::string_view encoded(const AnyRecord& record) {
    thread_local std::string payload;
    encode(record, payload);
    return payload;
}

class LocalLedger final : public DurableLedger {
public:
    struct Parts {
        DirectoryLock lock;
        std::unique_ptr<Books> books;
        std::unique_ptr<DecisionReader> reader;
        std::unique_ptr<Journal> journal;
        std::uint64_t recovered_holds;
    };

    LocalLedger(DurableLedgerConfig config, Parts parts, std::int32_t first_day)
        : config_(std::move(config)), parts_(std::move(parts)), budget_(first_day), recent_(config_.recent_bytes) {}
    ~LocalLedger() override { static_cast<void>(shutdown()); }

    Result<void> start(std::int32_t first_day);

    core::awaitable<Result<Hold>> hold(HoldRequest request) override;
    std::optional<Result<Hold>> hold_at_once(HoldRequest& request) override;
    core::awaitable<Result<void>> extend(Hold& hold, NanoUsd more) override;
    void sent(Hold& hold) noexcept override { hold.mark_sent(); }
    core::awaitable<Result<void>> settle(Hold hold, Settlement settlement) override;
    std::optional<Result<void>> settle_at_once(Hold& hold, Settlement& settlement) override;
    core::awaitable<Result<void>> record(std::string decision_id, CallerPtr caller, std::string decision_json) override;
    std::optional<std::string> find_decision(const std::string& id, core::TeamId team) override;
    bool writable() const override { return parts_.journal->writable(); }
    void settle_unattended(HoldTicket ticket, NanoUsd charge) noexcept override;
    Result<void> shutdown() override;
    Stats stats() const override;

private:
    bool strict() const { return config_.durability == LedgerDurability::Strict; }
    core::awaitable<Result<void>> until_durable(std::uint64_t sequence);
    Result<void> admit(const HoldRequest& request) const;
    Result<Hold> reserve(HoldRequest& request);
    std::uint64_t append_hold(HoldRequest& request, std::int32_t day, std::int64_t now);
    std::uint64_t append_settlement(const HoldTicket& ticket, const SettleRecord& record);
    std::uint64_t append_settlement(Hold& hold, Settlement& settlement);

    const DurableLedgerConfig config_;
    Parts parts_;
    Budget budget_;
    RecentDecisions recent_;
    std::unique_ptr<Applier> applier_;
    std::mutex shutdown_mutex_;
};

Result<void> LocalLedger::start(std::int32_t first_day) {
    const auto restore = [this](core::TeamId team, core::KeyId key, std::int32_t day, NanoUsd spent) {
        budget_.restore(team, key, day, spent);
    };
    if (auto restored = parts_.books->visit_spend(first_day, restore); !restored) return restored;
    if (auto relying = parts_.books->rely_on_journal(); !relying) return relying;
    applier_ = std::make_unique<Applier>(
        Applier::Parts{.books = *parts_.books,
                       .journal = *parts_.journal,
                       .applied = [this](std::uint64_t sequence) { recent_.applied(sequence); }},
        config_.apply_interval);
    return {};
}

core::awaitable<Result<void>> LocalLedger::until_durable(std::uint64_t sequence) {
    if (sequence == 0) co_return parts_.journal->failure();
    if (!strict()) co_return Result<void>{};
    const bool durable = co_await parts_.journal->durable(sequence);
    if (!durable) co_return parts_.journal->failure();
    co_return Result<void>{};
}

Result<void> LocalLedger::admit(const HoldRequest& request) const {
    if (request.id.empty() || request.id.size() > kMaxIdBytes || !request.caller)
        return Error{Errc::Internal, "a hold needs an id of at most 128 bytes and a caller"};
    if (!parts_.journal->writable()) return parts_.journal->failure();
    if (parts_.journal->segments().bytes_in_use() > config_.max_backlog_bytes)
        return Error{
            Errc::Unavailable, "ledger not writable: its database does not keep up", {}, std::chrono::seconds{1}};
    return {};
}

std::uint64_t LocalLedger::append_hold(HoldRequest& request, std::int32_t day, std::int64_t now) {
    shorten_user(request.user);
    HoldRecord record{.id = std::move(request.id),
                      .team = request.caller->team,
                      .key = request.caller->key,
                      .user = std::move(request.user),
                      .target = std::move(request.target),
                      .zone = request.zone,
                      .amount = request.amount,
                      .day = day};
    const auto sequence = parts_.journal->append(RecordType::Hold, now, encoded(record));
    request.id = std::move(record.id);
    return sequence;
}

// Reserved before it is appended, and released after: whatever prefix of the journal survives a crash, spend and holds
// in it are within the caps.
Result<Hold> LocalLedger::reserve(HoldRequest& request) {
    if (auto admitted = admit(request); !admitted) return admitted.error();
    const std::int64_t now = config_.clock();
    const std::int32_t day = day_of(now);
    if (auto reserved = budget_.reserve(*request.caller, request.amount, day); !reserved) return reserved.error();
    const auto sequence = append_hold(request, day, now);
    if (sequence == 0) {
        budget_.settle(request.caller->team, request.caller->key, day, request.amount, {});
        return parts_.journal->failure();
    }
    return Hold{*this, HoldTicket{.id = std::move(request.id),
                                  .caller = std::move(request.caller),
                                  .amount = request.amount,
                                  .sequence = sequence,
                                  .day = day}};
}

core::awaitable<Result<Hold>> LocalLedger::hold(HoldRequest request) {
    auto held = reserve(request);
    if (held && strict()) {
        if (const auto durable = co_await until_durable(held->ticket().sequence); !durable) co_return durable.error();
    }
    co_return held;
}

std::optional<Result<Hold>> LocalLedger::hold_at_once(HoldRequest& request) {
    if (strict()) return std::nullopt;
    return reserve(request);
}

core::awaitable<Result<void>> LocalLedger::extend(Hold& hold, NanoUsd more) {
    const HoldTicket& ticket = hold.ticket();
    if (!hold.open()) co_return Error{Errc::Internal, "this hold is settled"};
    if (!parts_.journal->writable()) co_return parts_.journal->failure();
    if (const auto reserved = budget_.reserve(*ticket.caller, more, ticket.day); !reserved) co_return reserved.error();
    const auto sequence = parts_.journal->append(RecordType::Extend, config_.clock(),
                                                 encoded(ExtendRecord{.hold = ticket.sequence, .more = more}));
    if (sequence == 0) {
        budget_.settle(ticket.caller->team, ticket.caller->key, ticket.day, more, {});
        co_return parts_.journal->failure();
    }
    hold.grow(more);
    co_return co_await until_durable(sequence);
}

// 0: the journal takes nothing any more. The reservation then stays, and the next start settles the hold in full.
std::uint64_t LocalLedger::append_settlement(const HoldTicket& ticket, const SettleRecord& record) {
    const auto sequence = parts_.journal->append(RecordType::Settle, config_.clock(), encoded(record));
    if (sequence == 0) return 0;
    const auto& caller = *ticket.caller;
    budget_.settle(caller.team, caller.key, ticket.day, ticket.amount, record.charge);
    recent_.add(sequence, ticket.id, caller.team, record.decision_json);
    return sequence;
}

std::uint64_t LocalLedger::append_settlement(Hold& hold, Settlement& settlement) {
    const NanoUsd charge = std::clamp(settlement.charge, NanoUsd{}, hold.amount());
    SettleRecord record{.hold = hold.ticket().sequence,
                        .settled_by = settled_by(settlement, charge),
                        .charge = charge,
                        .usage = settlement.usage,
                        .target = std::move(settlement.target),
                        .zone = settlement.zone,
                        .price_version = std::move(settlement.price_version),
                        .decision_json = std::move(settlement.decision_json)};
    return append_settlement(hold.close(), record);
}

core::awaitable<Result<void>> LocalLedger::settle(Hold hold, Settlement settlement) {
    if (!hold.open()) co_return Error{Errc::Internal, "this hold is settled"};
    co_return co_await until_durable(append_settlement(hold, settlement));
}

std::optional<Result<void>> LocalLedger::settle_at_once(Hold& hold, Settlement& settlement) {
    if (strict() || !hold.open()) return std::nullopt;
    if (append_settlement(hold, settlement) == 0) return parts_.journal->failure();
    return Result<void>{};
}

void LocalLedger::settle_unattended(HoldTicket ticket, NanoUsd charge) noexcept {
    try {
        charge = std::clamp(charge, NanoUsd{}, ticket.amount);
        const auto by = charge.value == 0 ? SettledBy::Void : SettledBy::Estimate;
        SettleRecord record{.hold = ticket.sequence,
                            .settled_by = by,
                            .charge = charge,
                            .decision_json = decision_of_interrupted(ticket.id, by, charge)};
        append_settlement(ticket, record);
    } catch (const std::exception& reason) {
        parts_.journal->fail(Error{Errc::Unavailable, reason.what()});
    }
}

core::awaitable<Result<void>> LocalLedger::record(std::string decision_id, CallerPtr caller,
                                                  std::string decision_json) {
    DecisionRecord record{.id = std::move(decision_id),
                          .team = caller->team,
                          .key = caller->key,
                          .decision_json = std::move(decision_json)};
    const auto sequence = parts_.journal->append(RecordType::Decision, config_.clock(), encoded(record));
    if (sequence != 0) recent_.add(sequence, record.id, record.team, record.decision_json);
    co_return co_await until_durable(sequence);
}

std::optional<std::string> LocalLedger::find_decision(const std::string& id, core::TeamId team) {
    auto found = recent_.find(id);
    if (!found) found = parts_.reader->find(id);
    if (!found || found->team != team || found->json.empty()) return std::nullopt;
    return std::move(found->json);
}

Result<void> LocalLedger::shutdown() {
    const std::lock_guard lock{shutdown_mutex_};
    parts_.journal->close();
    if (applier_) {
        if (auto finished = applier_->finish(); !finished) return finished;
    }
    return {};
}

DurableLedger::Stats LocalLedger::stats() const {
    return {.appended = parts_.journal->appended(),
            .durable = parts_.journal->durable_sequence(),
            .applied = applier_->applied(),
            .flushes = parts_.journal->flushes(),
            .recovered_holds = parts_.recovered_holds,
            .open_holds = budget_.open_holds()};
}

}  // namespace

Result<std::unique_ptr<DurableLedger>> DurableLedger::open(DurableLedgerConfig config) {
    if (auto made = make_private_directory(config.directory); !made) return made.error();
    auto lock = DirectoryLock::take(config.directory);
    if (!lock) return lock.error();
    auto books = open_books_up_to_date(config.directory);
    if (!books) return books.error();
    const std::int64_t now = config.clock();
    const auto recovered = settle_abandoned_holds(**books, now);
    if (!recovered) return recovered.error();
    auto reader = DecisionReader::open(config.directory);
    if (!reader) return reader.error();
    if (!config.files) config.files = disk_journal_files();
    auto journal = Journal::start(
        {.directory = journal_directory(config.directory),
         .segment_bytes = config.segment_bytes,
         .linger = config.durability == LedgerDurability::Strict ? std::chrono::milliseconds{0} : config.relaxed_flush,
         .files = config.files},
        (*books)->applied() + 1);
    if (!journal) return journal.error();
    const std::int32_t first_day = first_day_of_month(month_of_day(day_of(now) - kKnownDays));
    auto ledger = std::make_unique<LocalLedger>(std::move(config),
                                                LocalLedger::Parts{.lock = std::move(*lock),
                                                                   .books = std::move(*books),
                                                                   .reader = std::move(*reader),
                                                                   .journal = std::move(*journal),
                                                                   .recovered_holds = *recovered},
                                                first_day);
    if (auto started = ledger->start(first_day); !started) return started.error();
    return std::unique_ptr<DurableLedger>{std::move(ledger)};
}

}  // namespace sluice::policies
