// Money, as the router sees it: reserve the worst case before a call, replace it by the real cost afterwards.
//
// A hold is checked against every cap of its caller in one atomic step: recorded spend + open holds never exceed a cap.
// Strict durability: hold() and settle() return when their record is on disk. Relaxed: at once, disk within 5 ms.
// After a crash every hold that was still open is charged in full at the next start, marked settled_by=recovery.
//
// All calls may be made from any event loop; a coroutine resumes on the loop it was awaited on. The ledger outlives its
// holds, and is shut down before the io_contexts that used it are destroyed.
#pragma once

#include "core/async.hpp"
#include "core/caller.hpp"
#include "core/data_class.hpp"
#include "core/result.hpp"
#include "core/usage.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sluice::policies {

class Ledger;
using CallerPtr = std::shared_ptr<const core::Caller>;

// Name requests and settlements before awaiting: gcc 12 destroys a braced temporary inside a co_await expression twice.
struct HoldRequest {
    std::string id;         // the decision's id; unique, at most 128 bytes
    CallerPtr caller;       // caps are read from here: a reload changes the next hold
    std::string user = {};  // end user from the request, may be empty; at most 256 bytes are kept
    core::NanoUsd amount;   // worst case, not negative
    std::string target;     // "deepseek/deepseek-chat"
    core::Zone zone = core::Zone::Cloud;
};

// What a ledger needs to find a hold again. Plain data: fakes make their own.
struct HoldTicket {
    std::string id;
    CallerPtr caller;
    core::NanoUsd amount;
    std::uint64_t sequence = 0;  // of the hold's record
    std::int32_t day = 0;        // budget window it was reserved in (days since 1970 UTC); its month follows
};

// Reserved money. Move-only. An open hold that is destroyed (the client vanished, a coroutine unwound) settles itself
// without waiting: with the last noted charge; else in full when sent; else as void.
class Hold {
public:
    Hold(Ledger& ledger, HoldTicket ticket) : ledger_(&ledger), ticket_(std::move(ticket)) {}
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&& other) noexcept;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();

    const std::string& id() const { return ticket_.id; }
    core::NanoUsd amount() const { return ticket_.amount; }
    bool open() const { return ledger_ != nullptr; }
    // What the work so far costs: the charge if nobody settles.
    void note(core::NanoUsd charge) { noted_ = charge; }

    // For Ledger implementations.
    const HoldTicket& ticket() const { return ticket_; }
    void grow(core::NanoUsd more) { ticket_.amount = ticket_.amount + more; }
    void mark_sent() { sent_ = true; }
    HoldTicket close();  // the hold is over: the destructor does nothing

private:
    void settle_unattended() noexcept;

    Ledger* ledger_;
    HoldTicket ticket_;
    std::optional<core::NanoUsd> noted_;
    bool sent_ = false;
};

struct Settlement {
    core::NanoUsd charge;  // recorded as clamp(charge, 0, hold)
    core::Usage usage;
    std::string target;  // that served; empty: the hold's
    core::Zone zone = core::Zone::Cloud;
    std::string decision_json;  // stored under the hold's id; never prompt text
    bool estimated = false;
    std::string price_version = {};  // of the catalogue the charge was computed with
};

enum class SettledBy : std::uint8_t { Usage, Estimate, Recovery, Void };
std::string_view to_string(SettledBy value);  // "usage", "estimate", "recovery", "void"

class Ledger {
public:
    Ledger() = default;
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;
    virtual ~Ledger() = default;

    // BudgetExceeded: the detail names scope and window, cap, spend, open holds and when it resets.
    // Unavailable: the ledger cannot be written; nothing may be sent upstream.
    virtual core::awaitable<core::Result<Hold>> hold(HoldRequest request) = 0;
    // hold() where nothing has to be waited for. Null: it has, and the request is as it was.
    virtual std::optional<core::Result<Hold>> hold_at_once(HoldRequest& request) {
        static_cast<void>(request);
        return std::nullopt;
    }
    // Reserves `more` on top, in the hold's own windows. On error the hold is as it was.
    virtual core::awaitable<core::Result<void>> extend(Hold& hold, core::NanoUsd more) = 0;
    // Request bytes are about to leave: from here an unattended hold is charged in full unless a charge was noted.
    virtual void sent(Hold& hold) noexcept = 0;
    virtual core::awaitable<core::Result<void>> settle(Hold hold, Settlement settlement) = 0;
    // settle() where nothing has to be waited for. Null: it has, and both are as they were.
    virtual std::optional<core::Result<void>> settle_at_once(Hold& hold, Settlement& settlement) {
        static_cast<void>(hold);
        static_cast<void>(settlement);
        return std::nullopt;
    }
    // A decision without money: blocked, refused, answered from the cache. Waited for in strict only.
    virtual core::awaitable<core::Result<void>> record(std::string decision_id, CallerPtr caller,
                                                       std::string decision_json) = 0;

    // The decision as JSON; another team's is as unknown as one that never was. Recent ones come from memory, older
    // ones from SQLite by primary key (tens of microseconds).
    virtual std::optional<std::string> find_decision(const std::string& id, core::TeamId team) = 0;
    // False after a write error: holds are refused, reads go on. For /readyz.
    virtual bool writable() const = 0;

    // Called by ~Hold. Enqueues and does not wait.
    virtual void settle_unattended(HoldTicket ticket, core::NanoUsd charge) noexcept = 0;
};

}  // namespace sluice::policies
