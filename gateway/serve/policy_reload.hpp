// Takes over changed policies, patterns and dictionaries while the gateway serves: on SIGHUP and on `sluice policy reload`.
// A thread of its own, of low priority, reads the configuration, builds the next policy set beside the one in force and
// swaps them; event loops never wait. A configuration with a problem changes nothing: the log, the metrics and the command
// say what it is. Other sections than policies and sensitivity take effect at the next start.
#pragma once

#include "core/result.hpp"
#include "gateway/config/config.hpp"
#include "policies/policy_set.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::gateway {

class PolicyReloader {
public:
    // `config`: as the gateway was started with; both outlive this. Starts the thread.
    PolicyReloader(const Config& config, policies::PolicyInForce& in_force);
    ~PolicyReloader();  // waits for a reload that is under way
    PolicyReloader(const PolicyReloader&) = delete;
    PolicyReloader& operator=(const PolicyReloader&) = delete;

    void request();               // any thread
    std::string metrics() const;  // lines for /metrics

private:
    void run();
    void reload(const std::string& asked_by);
    std::vector<core::Error> take_over();
    void drop_retired();
    void write_state(const std::string& answered, const std::vector<core::Error>& problems) const;

    const Config& config_;
    policies::PolicyInForce& in_force_;
    std::vector<std::shared_ptr<const policies::PolicySet>> retired_;  // still used by requests; the thread's own

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool wanted_ = false;
    bool stopping_ = false;
    std::uint64_t taken_ = 0;
    std::uint64_t refused_ = 0;
    bool last_refused_ = false;
    std::chrono::microseconds last_took_{0};
    std::thread thread_;
};

// The asking side: has the gateway over this data directory reload, and waits. The version now in force; an error says why
// the old one stays, or that no gateway runs there.
core::Result<std::string> ask_for_reload(const std::filesystem::path& data, std::chrono::seconds most);

}  // namespace sluice::gateway
