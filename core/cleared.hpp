// A request that may leave this machine. Only router::ClearanceGate makes one: from a Classified whose policy says so.
// Cloud backends accept nothing else, so a plan, a retry or a fallback that leaks cannot be written.
#pragma once

#include <memory>
#include <utility>

#include "core/chat.hpp"

namespace sluice::router {
class ClearanceGate;
}

namespace sluice::core {

class CloudCleared {
public:
    CloudCleared(CloudCleared&&) noexcept = default;
    CloudCleared& operator=(CloudCleared&&) noexcept = default;
    CloudCleared(const CloudCleared&) = delete;
    CloudCleared& operator=(const CloudCleared&) = delete;

    const ChatRequest& request() const { return *request_; }

private:
    friend class router::ClearanceGate;
    explicit CloudCleared(std::shared_ptr<const ChatRequest> request) : request_(std::move(request)) {}

    std::shared_ptr<const ChatRequest> request_;
};

}  // namespace sluice::core
