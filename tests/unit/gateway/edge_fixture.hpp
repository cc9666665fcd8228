// A real server on a free port with routes that do nothing but answer, wait or stream, and what their handlers saw.
#pragma once

#include "gateway/http/server.hpp"
#include "tests/support/raw_client.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::gateway::testing {

using sluice::testing::RawAnswer;
using sluice::testing::RawClient;

// What handlers of /wait and /drip experienced, to be waited for.
class Witness {
public:
    void note(const std::string& what);
    // True once `what` was noted `times` times.
    bool wait_for(const std::string& what, std::size_t times = 1);
    std::size_t count(const std::string& what);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> seen_;
};

class OneKey final : public Authenticator {
public:
    CallerPtr authenticate(std::string_view token) const override;
    std::size_t asked() const { return asked_.load(); }

private:
    mutable std::atomic<std::size_t> asked_{0};
};

inline constexpr std::string_view kKey = "sk-sluice-test";

class TestServer {
public:
    // `config.port` is replaced by 0.
    explicit TestServer(ServerConfig config = {}, std::size_t loops = 1);
    ~TestServer();

    std::uint16_t port() const { return server_->port(); }
    Server& server() { return *server_; }
    Witness& witness() { return witness_; }
    const OneKey& keys() const { return keys_; }
    EventLoops& loops() { return loops_; }

private:
    EventLoops loops_;
    Witness witness_;
    OneKey keys_;
    std::unique_ptr<Server> server_;
};

// GET /ping, GET /item/{id}, GET /large, GET /throws, GET /silent, GET /events/{n}, GET /cut, GET /wait, GET /drip, GET
// /bad-header, POST /echo (4096 bytes), POST /size (8 MiB), POST and DELETE /locked (team key).
std::vector<Route> toy_routes(Witness& witness);

}  // namespace sluice::gateway::testing
