// A real redis-server for a test: own port, own folder, no persistence. Destroyed with the test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::testing {

class RedisServer {
public:
    static bool installed();  // false: GTEST_SKIP() with a word

    // Starts and waits until it answers. `arguments` as on the command line: {"--requirepass", "secret"}.
    // Throws std::runtime_error when it does not come up.
    explicit RedisServer(std::vector<std::string> arguments = {});
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;
    ~RedisServer();

    std::uint16_t port() const { return port_; }
    void pause();    // SIGSTOP: accepts connections, answers nothing
    void resume();   // SIGCONT
    void kill();     // SIGKILL, and waits for the end
    void restart();  // on the same port, empty

    // One command over a connection of its own; the raw reply.
    std::string command(const std::vector<std::string>& arguments) const;

private:
    void start();

    std::vector<std::string> arguments_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

}  // namespace sluice::testing
