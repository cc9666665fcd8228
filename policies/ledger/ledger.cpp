#include "policies/ledger/ledger.hpp"

namespace sluice::policies {

Hold::Hold(Hold&& other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)),
      ticket_(std::move(other.ticket_)),
      noted_(other.noted_),
      sent_(other.sent_) {}

Hold& Hold::operator=(Hold&& other) noexcept {
    if (this == &other) return *this;
    settle_unattended();
    ledger_ = std::exchange(other.ledger_, nullptr);
    ticket_ = std::move(other.ticket_);
    noted_ = other.noted_;
    sent_ = other.sent_;
    return *this;
}

Hold::~Hold() {
    settle_unattended();
}

HoldTicket Hold::close() {
    ledger_ = nullptr;
    return std::move(ticket_);
}

void Hold::settle_unattended() noexcept {
    if (ledger_ == nullptr) return;
    const auto charge = noted_ ? *noted_ : sent_ ? ticket_.amount : core::NanoUsd{};
    std::exchange(ledger_, nullptr)->settle_unattended(std::move(ticket_), charge);
}

std::string_view to_string(SettledBy value) {
    switch (value) {
        case SettledBy::Usage: return "usage";
        case SettledBy::Estimate: return "estimate";
        case SettledBy::Recovery: return "recovery";
        case SettledBy::Void: return "void";
    }
    return "void";
}

}  // namespace sluice::policies
