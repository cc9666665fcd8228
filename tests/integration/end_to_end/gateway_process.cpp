#include "tests/integration/end_to_end/gateway_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "core/json.hpp"
#include "tests/support/read_file.hpp"

namespace sluice::testing {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

std::uint16_t free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("no free port");
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    close(fd);
    return ntohs(address.sin_port);
}

int send_request(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body,
                 const std::vector<std::pair<std::string, std::string>>& fields) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(fd);
        return -1;
    }
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    for (const auto& [name, value] : fields) request += name + ": " + value + "\r\n";
    if (method == "POST") request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n" + body;
    for (std::string_view rest = request; !rest.empty();) {
        const auto sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return fd;
}

std::string join_chunks(std::string_view text) {
    std::string out;
    while (true) {
        const auto line_end = text.find("\r\n");
        if (line_end == std::string_view::npos) return out;
        const auto size = std::strtoul(std::string(text.substr(0, line_end)).c_str(), nullptr, 16);
        if (size == 0 || text.size() < line_end + 2 + size) return out;
        out += text.substr(line_end + 2, size);
        text.remove_prefix(std::min(text.size(), line_end + 4 + size));
    }
}

HttpAnswer parse(const std::string& bytes) {
    HttpAnswer answer;
    const auto head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string::npos || bytes.size() < 12) return answer;
    answer.status = std::atoi(bytes.substr(9, 3).c_str());
    for (auto at = bytes.find("\r\n") + 2; at < head_end + 2;) {
        const auto end = bytes.find("\r\n", at);
        const auto colon = bytes.find(": ", at);
        if (colon != std::string::npos && colon < end) {
            std::string name = bytes.substr(at, colon - at);
            for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            answer.fields[name] = bytes.substr(colon + 2, end - colon - 2);
        }
        at = end + 2;
    }
    answer.body = bytes.substr(head_end + 4);
    if (answer.fields["transfer-encoding"] == "chunked") answer.body = join_chunks(answer.body);
    return answer;
}

}  // namespace

HttpAnswer ask(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body,
               const std::vector<std::pair<std::string, std::string>>& fields) {
    const int fd = send_request(port, method, path, body, fields);
    if (fd < 0) return {};
    std::string bytes;
    std::array<char, 65536> buffer{};
    while (true) {
        const auto received = recv(fd, buffer.data(), buffer.size(), 0);
        if (received <= 0) break;
        bytes.append(buffer.data(), static_cast<std::size_t>(received));
    }
    close(fd);
    return parse(bytes);
}

void ask_and_vanish(std::uint16_t port, const std::string& path, const std::string& body,
                    const std::vector<std::pair<std::string, std::string>>& fields) {
    const int fd = send_request(port, "POST", path, body, fields);
    if (fd >= 0) close(fd);
}

GatewayProcess::GatewayProcess(std::string yaml) : yaml_(std::move(yaml)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
}

GatewayProcess::~GatewayProcess() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string GatewayProcess::run(const std::vector<std::string>& words) const {
    std::string command = "'" SLUICE_BINARY "'";
    for (const auto& word : words) command += " '" + word + "'";
    command += " --data '" + data().string() + "' 2>'" + (folder_ / "cli.log").string() + "'";
    FILE* pipe = popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer{};
    while (const auto count = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), count);
    if (pclose(pipe) != 0) throw std::runtime_error("sluice " + words[0] + " failed: " + test::read_file(folder_ / "cli.log"));
    return out;
}

std::string GatewayProcess::add_team(const std::string& name, const std::vector<std::string>& options) const {
    std::vector<std::string> words{"teams", "add", name};
    words.insert(words.end(), options.begin(), options.end());
    run(words);
    return (*core::parse_json(run({"keys", "create", "--team", name, "--json"})))["key"].get<std::string>();
}

void GatewayProcess::start() {
    port_ = free_port();
    std::ofstream{folder_ / "sluice.yaml"} << "server: {listen: \"127.0.0.1:" << port_ << "\"}\ndata: " << data().string() << "\n" << yaml_;
    process_ = fork();
    if (process_ == 0) {
        const int log = open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, 1);
        dup2(log, 2);
        execl(SLUICE_BINARY, "sluice", "serve", "--config", (folder_ / "sluice.yaml").c_str(), nullptr);
        _exit(127);
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (std::chrono::steady_clock::now() < end) {
        if (ask(port_, "GET", "/readyz").status == 200) return;
        if (waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = -1;
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    throw std::runtime_error("the gateway did not start:\n" + log());
}

int GatewayProcess::stop() {
    ::kill(process_, SIGTERM);
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void GatewayProcess::kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
}

std::string GatewayProcess::log() const { return test::read_file(folder_ / "log"); }

}  // namespace sluice::testing
