// An upstream that costs as little as possible: one thread, epoll, canned OpenAI answers. It stands behind every contender
// of the gateway bench, so what differs between two rows is the contender.
//   bench_upstream [--events N]     prints its port; N events per stream, each in a write of its own, as a model sends them
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <strings.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

std::string chunked(std::string_view data) {
    std::array<char, 16> size{};
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
    return std::string(size.data(), static_cast<std::size_t>(length)).append(data).append("\r\n");
}

std::string plain_answer() {
    const std::string body =
        R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":{"role":"assistant",)"
        R"("content":"The quick brown fox jumps over the lazy dog."},"finish_reason":"stop"}],)"
        R"("usage":{"prompt_tokens":90,"completion_tokens":10,"total_tokens":100}})";
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string event(std::string_view json) { return chunked("data: " + std::string(json) + "\n\n"); }

struct Answers {
    std::string plain = plain_answer();
    std::string stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string delta = event(
        R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}]})");
    std::string end =
        event(R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})") +
        event(R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":{"prompt_tokens":90,"completion_tokens":32,"total_tokens":122}})") +
        chunked("data: [DONE]\n\n") + "0\r\n\r\n";
};

void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// Length of the first complete request in `input`, 0 when there is none yet. Requests have a Content-Length.
std::size_t complete_request(std::string_view input) {
    const auto end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    std::size_t length = 0;
    for (std::size_t at = 0; at < end;) {
        const auto line_end = input.find("\r\n", at);
        const auto line = input.substr(at, line_end - at);
        if (line.size() > 15 && strncasecmp(line.data(), "content-length:", 15) == 0)
            length = std::strtoul(std::string(line.substr(15)).c_str(), nullptr, 10);
        at = line_end + 2;
    }
    const std::size_t total = end + 4 + length;
    return input.size() >= total ? total : 0;
}

void answer(int fd, std::string_view request, const Answers& answers, int events) {
    if (request.find("\"stream\":true") == std::string_view::npos) return send_all(fd, answers.plain);
    send_all(fd, answers.stream_head);
    for (int i = 0; i < events; ++i) send_all(fd, answers.delta);
    send_all(fd, answers.end);
}

}  // namespace

int main(int argc, char** argv) {
    const int events = argc == 3 && std::string_view(argv[1]) == "--events" ? std::atoi(argv[2]) : 32;
    std::signal(SIGPIPE, SIG_IGN);
    const Answers answers;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 1024) != 0) return 1;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);

    const int epoll = epoll_create1(0);
    epoll_event interest{.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &interest);
    std::unordered_map<int, std::string> inputs;
    std::array<epoll_event, 256> ready{};
    std::array<char, 65536> buffer{};
    while (true) {
        const int count = epoll_wait(epoll, ready.data(), static_cast<int>(ready.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = ready[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                const int connection = accept(listener, nullptr, nullptr);
                const int on = 1;
                setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                interest = {.events = EPOLLIN, .data = {.fd = connection}};
                epoll_ctl(epoll, EPOLL_CTL_ADD, connection, &interest);
                inputs[connection].clear();
                continue;
            }
            const auto received = recv(fd, buffer.data(), buffer.size(), 0);
            if (received <= 0) {
                close(fd);
                inputs.erase(fd);
                continue;
            }
            std::string& input = inputs[fd].append(buffer.data(), static_cast<std::size_t>(received));
            while (const std::size_t length = complete_request(input)) {
                answer(fd, std::string_view(input).substr(0, length), answers, events);
                input.erase(0, length);
            }
        }
    }
}
