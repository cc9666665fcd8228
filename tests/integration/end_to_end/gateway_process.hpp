// The real binary, started with a configuration, a data folder and keys of its own, and a plain client to ask it with.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sluice::testing {

struct HttpAnswer {
    int status = 0;  // 0: the connection ended without an answer
    std::map<std::string, std::string> fields;  // names in lower case
    std::string body;                           // chunks joined
};

// One request on a connection of its own, read to its end. `fields` are added to Host, Connection: close and Content-Length.
HttpAnswer ask(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body = {},
               const std::vector<std::pair<std::string, std::string>>& fields = {});
// Sends the request and goes away without reading.
void ask_and_vanish(std::uint16_t port, const std::string& path, const std::string& body,
                    const std::vector<std::pair<std::string, std::string>>& fields);

class GatewayProcess {
public:
    // `yaml` is the configuration without server.listen and data, which are added. Does not start it yet.
    explicit GatewayProcess(std::string yaml);
    GatewayProcess(const GatewayProcess&) = delete;
    GatewayProcess& operator=(const GatewayProcess&) = delete;
    ~GatewayProcess();

    // Runs `sluice WORDS --data DIR` to its end; its standard output. Throws when it fails.
    std::string run(const std::vector<std::string>& words) const;
    // Makes a team with a key and returns the key.
    std::string add_team(const std::string& name, const std::vector<std::string>& options = {}) const;

    void start();      // returns when /readyz says yes; throws with the log when it does not
    int stop();        // SIGTERM; its exit code
    void kill();       // SIGKILL
    pid_t process() const { return process_; }
    std::uint16_t port() const { return port_; }
    std::filesystem::path data() const { return folder_ / "data"; }
    std::string log() const;

private:
    std::filesystem::path folder_;
    std::string yaml_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

}  // namespace sluice::testing
