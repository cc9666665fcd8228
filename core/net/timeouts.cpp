#include "core/net/timeouts.hpp"

#include <algorithm>

namespace sluice::core {

Timeouts::Timeouts(net::execution_context& context)
    : service(context), timer_(static_cast<net::io_context&>(context).get_executor()), origin_(Clock::now()) {}

std::uint64_t Timeouts::elapsed_ticks() const {
    return static_cast<std::uint64_t>((Clock::now() - origin_) / kTick);
}

void Timeouts::Entry::unlink() {
    if (slot_ == nullptr) return;
    *slot_ = next_;
    if (next_ != nullptr) next_->slot_ = slot_;
    slot_ = nullptr;
    next_ = nullptr;
    --timeouts_.linked_;
}

void Timeouts::link(Entry& entry) {
    entry.unlink();
    if (!running_) {
        current_ = elapsed_ticks();
        wait_for_tick();
    }
    const auto span = std::max(entry.deadline_ - origin_, Clock::duration::zero());
    const auto due = static_cast<std::uint64_t>(span / kTick) + 1;
    const auto tick = std::clamp(due, current_ + 1, current_ + kSlots - 1);
    entry.linked_for_ = entry.deadline_;
    entry.slot_ = &slots_[tick % kSlots];
    entry.next_ = *entry.slot_;
    if (entry.next_ != nullptr) entry.next_->slot_ = &entry.next_;
    *entry.slot_ = &entry;
    ++linked_;
}

void Timeouts::wait_for_tick() {
    running_ = true;
    timer_.expires_at(origin_ + kTick * static_cast<std::int64_t>(current_ + 1));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_tick();
    });
}

void Timeouts::on_tick() {
    const auto now = Clock::now();
    const auto last = elapsed_ticks();
    const auto turn_ago = last >= kSlots ? last - kSlots : 0;  // after a long stall every slot is run once
    for (current_ = std::max(current_, turn_ago); current_ < last;) run_slot(++current_, now);
    running_ = linked_ > 0;
    if (running_) wait_for_tick();
}

void Timeouts::run_slot(std::uint64_t tick, Clock::time_point now) {
    // Entries are taken one by one, because a callback may unlink or destroy any of them. None can come back to this
    // slot: what is linked meanwhile goes to a later tick, less than one turn away.
    while (Entry* const entry = slots_[tick % kSlots]) {
        entry->unlink();
        if (entry->deadline_ <= now) entry->on_deadline();
        else link(*entry);
    }
}

}  // namespace sluice::core
