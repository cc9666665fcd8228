#include "tests/support/redis_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace sluice::testing {

namespace {

namespace net = boost::asio;
using Tcp = net::ip::tcp;

constexpr const char* kBinaries[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/sbin/redis-server"};

std::string binary() {
    for (const char* path : kBinaries)
        if (::access(path, X_OK) == 0) return path;
    return {};
}

// A port that was free a moment ago: Redis cannot be asked to pick one.
std::uint16_t free_port() {
    net::io_context loop;
    const Tcp::acceptor acceptor(loop, Tcp::endpoint(net::ip::address_v4::loopback(), 0));
    return acceptor.local_endpoint().port();
}

}  // namespace

bool RedisServer::installed() {
    return !binary().empty();
}

RedisServer::RedisServer(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-redis-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder for redis-server");
    folder_ = pattern;
    for (int i = 0; i < 5 && process_ < 0; ++i) {  // somebody else may take the port first
        port_ = free_port();
        start();
    }
    if (process_ < 0) throw std::runtime_error("redis-server does not answer");
}

RedisServer::~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void RedisServer::start() {
    std::vector<std::string> words{binary(),        "--port", std::to_string(port_), "--bind", "127.0.0.1",
                                   "--save",        "",       "--appendonly",        "no",     "--dir",
                                   folder_.string()};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> raw;
    for (auto& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
        const int null = ::open("/dev/null", O_RDWR);
        ::dup2(null, 0);
        ::dup2(null, 1);
        ::dup2(null, 2);
        ::execv(raw[0], raw.data());
        ::_exit(127);
    }
    if (process_ < 0) throw std::runtime_error("cannot fork for redis-server");
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < give_up) {
        int status = 0;
        if (::waitpid(process_, &status, WNOHANG) == process_) break;  // the port is taken, say
        try {
            const auto answer = command({"PING"});
            // With a password the answer is an error; an answer it is.
            if (answer.starts_with("+PONG") || answer.starts_with("-NOAUTH")) return;
        } catch (const std::exception&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // not listening yet
        }
    }
    if (::kill(process_, SIGKILL) == 0) ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

void RedisServer::pause() {
    ::kill(process_, SIGSTOP);
}
void RedisServer::resume() {
    ::kill(process_, SIGCONT);
}

void RedisServer::kill() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

void RedisServer::restart() {
    kill();
    start();
    if (process_ < 0) throw std::runtime_error("redis-server does not come back");
}

std::string RedisServer::command(const std::vector<std::string>& arguments) const {
    net::io_context loop;
    Tcp::socket socket(loop);
    socket.connect({net::ip::address_v4::loopback(), port_});
    std::string bytes = "*" + std::to_string(arguments.size()) + "\r\n";
    for (const auto& argument : arguments) bytes += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
    net::write(socket, net::buffer(bytes));
    // QUIT makes the server close after its last reply, so that a reply of any form can be read to its end.
    net::write(socket, net::buffer(std::string("*1\r\n$4\r\nQUIT\r\n")));
    std::string reply;
    boost::system::error_code end;
    net::read(socket, net::dynamic_buffer(reply), end);
    if (reply.ends_with("+OK\r\n")) reply.resize(reply.size() - 5);
    return reply;
}

}  // namespace sluice::testing
