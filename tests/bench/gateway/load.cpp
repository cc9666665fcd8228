// A load generator for loopback: keep-alive connections on one epoll loop, plain and streamed answers, closed loop (each
// connection sends its next request when the last is answered) or at a fixed rate (latency counts from the moment a request
// was due, so that a stall is not hidden). Prints one JSON line.
//   bench_load --port P --connections N --seconds S [--rate R] [--stream] [--key K] [--path /v1/chat/completions] [--model M]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    int port = 0;
    std::size_t connections = 32;
    double seconds = 5;
    double rate = 0;
    bool stream = false;
    std::string key = "none";
    std::string path = "/v1/chat/completions";
    std::string model = "bench";
};

Options read_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--stream") {
            options.stream = true;
            continue;
        }
        if (i + 1 >= argc) std::exit(2);
        const char* value = argv[++i];
        if (name == "--port") options.port = std::atoi(value);
        else if (name == "--connections") options.connections = static_cast<std::size_t>(std::atoi(value));
        else if (name == "--seconds") options.seconds = std::atof(value);
        else if (name == "--rate") options.rate = std::atof(value);
        else if (name == "--key") options.key = value;
        else if (name == "--path") options.path = value;
        else if (name == "--model") options.model = value;
        else std::exit(2);
    }
    return options;
}

// The number in letters: a dozen digits would now and then pass for somebody's tax number, and such a request stays local.
std::string in_letters(std::uint64_t number) {
    std::string letters;
    for (; number > 0; number /= 26) letters += static_cast<char>('a' + number % 26);
    return letters;
}

// A chat body of 400 bytes; `number` makes each request its own, so that no cache can answer.
std::string make_request(const Options& options, std::uint64_t number) {
    std::string body = R"({"model":")" + options.model + R"(","max_tokens":64,)" + (options.stream ? R"("stream":true,)" : "") +
                       R"("messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":"Request )" +
                       in_letters(number) + ": ";
    const std::string_view filler = "please explain in two sentences why the sky looks blue at noon and red in the evening. ";
    while (body.size() < 396) body += filler[body.size() % filler.size()];
    body += R"("}]})";
    return "POST " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) +
           "\r\nContent-Type: application/json\r\nAuthorization: Bearer " + options.key + "\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Connection {
    int fd = -1;
    bool busy = false;
    Clock::time_point due;
    std::string input;
};

// Length of the first complete answer, 0 when there is none yet. `ok`: status 200 and, for streams, a [DONE].
std::size_t complete_answer(std::string_view input, bool& ok) {
    const auto head_end = input.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return 0;
    const auto head = input.substr(0, head_end + 2);
    ok = head.substr(9, 3) == "200";
    const auto find = [&](std::string_view lower, std::string_view upper) { return std::min(head.find(lower), head.find(upper)); };
    if (const auto at = find("\r\ncontent-length:", "\r\nContent-Length:"); at != std::string_view::npos) {
        const std::size_t total = head_end + 4 + std::strtoul(std::string(head.substr(at + 17, 20)).c_str(), nullptr, 10);
        return input.size() >= total ? total : 0;
    }
    const auto end = input.find("\r\n0\r\n\r\n", head_end);
    if (end == std::string_view::npos) return 0;
    ok = ok && input.substr(0, end).find("data: [DONE]") != std::string_view::npos;
    return end + 7;
}

int connect_to(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

double percentile(std::vector<double>& sorted, double fraction) {
    return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(fraction * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    const int epoll = epoll_create1(0);
    std::vector<Connection> connections(options.connections);
    std::deque<std::size_t> free_connections;
    for (std::size_t i = 0; i < connections.size(); ++i) {
        connections[i].fd = connect_to(options.port);
        if (connections[i].fd < 0) return 1;
        epoll_event interest{.events = EPOLLIN, .data = {.u64 = i}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &interest);
        free_connections.push_back(i);
    }

    std::vector<double> latencies;
    std::uint64_t number = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
    std::uint64_t failed = 0;
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
    const auto gap = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.rate > 0 ? 1 / options.rate : 0));
    auto next_due = start;
    std::array<epoll_event, 256> ready{};
    std::array<char, 65536> buffer{};
    while (Clock::now() < end) {
        while (!free_connections.empty() && (options.rate <= 0 || next_due <= Clock::now())) {
            Connection& connection = connections[free_connections.front()];
            free_connections.pop_front();
            connection.due = options.rate > 0 ? next_due : Clock::now();
            next_due += gap;
            connection.busy = true;
            const std::string request = make_request(options, ++number);
            if (send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) ++failed;
        }
        // Sleeps to the nanosecond: polling would take a core from the contender.
        using std::chrono::nanoseconds;
        const bool soon = options.rate > 0 && !free_connections.empty();
        const auto wait = soon ? std::max(nanoseconds(next_due - Clock::now()), nanoseconds(0)) : nanoseconds(100'000'000);
        const timespec timeout{.tv_sec = 0, .tv_nsec = std::min<long>(wait.count(), 999'999'999)};
        const int count = epoll_pwait2(epoll, ready.data(), static_cast<int>(ready.size()), &timeout, nullptr);
        for (int i = 0; i < count; ++i) {
            const auto index = static_cast<std::size_t>(ready[static_cast<std::size_t>(i)].data.u64);
            Connection& connection = connections[index];
            const auto received = recv(connection.fd, buffer.data(), buffer.size(), 0);
            if (received <= 0) {
                ++failed;
                close(connection.fd);
                connection.input.clear();
                connection.fd = connect_to(options.port);
                if (connection.fd < 0) return 1;
                epoll_event interest{.events = EPOLLIN, .data = {.u64 = index}};
                epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &interest);
                free_connections.push_back(index);
                continue;
            }
            connection.input.append(buffer.data(), static_cast<std::size_t>(received));
            bool ok = false;
            if (const std::size_t length = complete_answer(connection.input, ok)) {
                connection.input.erase(0, length);
                connection.busy = false;
                free_connections.push_back(index);
                if (ok) latencies.push_back(std::chrono::duration<double, std::milli>(Clock::now() - connection.due).count());
                else ++failed;
            }
        }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::ranges::sort(latencies);
    std::printf("{\"requests\": %zu, \"failed\": %llu, \"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"over_5ms\": %td}\n", latencies.size(),
                static_cast<unsigned long long>(failed), static_cast<double>(latencies.size()) / seconds, percentile(latencies, 0.50),
                percentile(latencies, 0.99), latencies.empty() ? 0 : latencies.back(),
                latencies.end() - std::ranges::upper_bound(latencies, 5.0));
}
