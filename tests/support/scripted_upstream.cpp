#include "tests/support/scripted_upstream.hpp"

#include "core/json.hpp"
#include "core/net/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluice::testing {

namespace {

namespace net = core::net;
using core::error_code;
using core::Stream;
using core::use_awaitable;
using Acceptor = net::basic_socket_acceptor<core::Tcp, core::Executor>;

// The text behind "[[NAME:" up to "]]" in a request body; empty when there is none.
std::string marker(std::string_view body, std::string_view name) {
    const std::string begin = "[[" + std::string(name) + ":";
    const auto at = body.find(begin);
    if (at == std::string_view::npos) return {};
    const auto text = body.substr(at + begin.size());
    const auto end = text.find("]]");
    return end == std::string_view::npos ? std::string{} : std::string(text.substr(0, end));
}

bool gone(Stream& stream) {
    char byte = 0;
    const auto got = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

std::string UpstreamRequest::field(std::string_view name) const {
    std::string_view rest = head;
    while (!rest.empty()) {
        const auto end = std::min(rest.find("\r\n"), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 2, rest.size()));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || !boost::beast::iequals({line.data(), colon}, {name.data(), name.size()}))
            continue;
        auto value = line.substr(colon + 1);
        while (value.starts_with(' ')) value.remove_prefix(1);
        return std::string(value);
    }
    return {};
}

ScriptedAnswer default_answer(const UpstreamRequest& request, const Completion& usual) {
    Completion completion = usual;
    const std::string nonce = marker(request.body, "nonce");
    if (!nonce.empty()) completion.content += " " + nonce;
    const std::string fault = marker(request.body, "fault");
    if (!fault.empty())
        if (auto answer = faulty_answer(fault, request.stream, completion)) return std::move(*answer);
    return request.stream ? stream_answer(completion) : plain_answer(completion);
}

class ScriptedUpstream::Server {
public:
    explicit Server(Options options) : options_(std::move(options)) {
        if (options_.tls) {
            tls_.emplace(net::ssl::context::tls_server);
            if (options_.outdated_tls) {
                SSL_CTX_set_cipher_list(tls_->native_handle(), "ALL:@SECLEVEL=0");
                SSL_CTX_set_min_proto_version(tls_->native_handle(), TLS1_VERSION);
                SSL_CTX_set_max_proto_version(tls_->native_handle(), TLS1_1_VERSION);
            }
            tls_->use_certificate_chain(net::buffer(options_.tls->certificate_pem));
            tls_->use_private_key(net::buffer(options_.tls->key_pem), net::ssl::context::pem);
        }
        acceptor_.open(core::Tcp::v4());
        acceptor_.set_option(net::socket_base::reuse_address(true));
        acceptor_.bind({net::ip::address_v4::loopback(), 0});
        acceptor_.listen(4096);
        port_ = acceptor_.local_endpoint().port();
        net::co_spawn(loop_.get_executor(), accept(), net::detached);
        thread_ = std::thread([this] { loop_.run(); });
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        loop_.stop();
        thread_.join();
    }

    std::uint16_t port() const { return port_; }
    bool tls() const { return tls_.has_value(); }

    void set_script(Script script) {
        const std::lock_guard lock(mutex_);
        options_.script = std::move(script);
    }
    std::string received() const {
        const std::lock_guard lock(mutex_);
        std::string all;
        for (const auto& bytes : received_) all += bytes;
        return all;
    }
    std::vector<UpstreamRequest> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    std::vector<BilledCall> bill() const {
        const std::lock_guard lock(mutex_);
        return bill_;
    }
    UpstreamCounts counts() const {
        const std::lock_guard lock(mutex_);
        return counts_;
    }
    bool wait_until(const std::function<bool(const UpstreamCounts&)>& predicate,
                    std::chrono::milliseconds limit) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [&] { return predicate(counts_); });
    }

private:
    static constexpr std::size_t kNotBilled = SIZE_MAX;

    template <class Change>
    void update(Change change) {
        {
            const std::lock_guard lock(mutex_);
            change();
        }
        changed_.notify_all();
    }

    core::awaitable<void> accept() {
        for (;;) {
            core::Socket socket(loop_.get_executor());
            error_code error;
            co_await acceptor_.async_accept(socket, net::redirect_error(use_awaitable, error));
            if (error) continue;
            net::co_spawn(loop_.get_executor(), serve(std::move(socket)), net::detached);
        }
    }

    core::awaitable<void> serve(core::Socket socket) {
        std::size_t connection = 0;
        update([&] {
            connection = counts_.connections++;
            ++counts_.open;
            received_.emplace_back();
        });
        Stream stream(std::move(socket), tls_ ? &*tls_ : nullptr);
        const error_code refused = tls_ ? co_await stream.handshake_server() : error_code{};
        if (!refused) {
            if (tls_) update([&] { ++counts_.handshakes; });
            std::string buffer;
            while (co_await serve_one(stream, connection, buffer)) {
            }
        }
        stream.close();
        update([&] { --counts_.open; });
    }

    // False: the connection is over.
    core::awaitable<bool> serve_one(Stream& stream, std::size_t connection, std::string& buffer) {
        std::size_t head_size = 0;
        while ((head_size = buffer.find("\r\n\r\n")) == std::string::npos)
            if (!co_await receive(stream, connection, buffer)) co_return false;
        head_size += 4;
        UpstreamRequest request;
        request.connection = connection;
        request.head = buffer.substr(0, head_size);
        const std::string length = request.field("Content-Length");
        const std::size_t body_size = length.empty() ? 0 : std::stoul(length);
        while (buffer.size() < head_size + body_size)
            if (!co_await receive(stream, connection, buffer)) co_return false;
        request.body = buffer.substr(head_size, body_size);
        buffer.erase(0, head_size + body_size);
        request.stream = request.body.find("\"stream\":true") != std::string::npos;

        const ScriptedAnswer answer = begin_answer(request);
        std::size_t billed = kNotBilled;
        bool keep = true;
        for (const auto& step : answer.steps) {
            if (co_await play(stream, request, step, billed, keep)) continue;
            update([&] { ++counts_.abandoned; });
            co_return false;
        }
        co_return keep;
    }

    core::awaitable<bool> receive(Stream& stream, std::size_t connection, std::string& buffer) {
        constexpr std::size_t kMost = 16384;
        const auto before = buffer.size();
        buffer.resize(before + kMost);
        error_code error;
        const auto bytes = co_await stream.async_read_some(net::buffer(buffer.data() + before, kMost),
                                                           net::redirect_error(use_awaitable, error));
        buffer.resize(before + bytes);
        if (bytes > 0 && options_.keep_bytes) {
            const std::lock_guard lock(mutex_);
            received_[connection].append(buffer, before, bytes);
        }
        co_return !error;
    }

    ScriptedAnswer begin_answer(UpstreamRequest& request) {
        Script script;
        update([&] {
            request.number = counts_.requests++;
            if (options_.keep_bytes) requests_.push_back(request);
            script = options_.script;
        });
        return script ? script(request) : default_answer(request, options_.completion);
    }

    // False: the client has gone.
    core::awaitable<bool> play(Stream& stream, const UpstreamRequest& request, const Step& step, std::size_t& billed,
                               bool& keep) {
        error_code error;
        switch (step.kind) {
            case Step::Kind::Send:
                co_await net::async_write(stream, net::buffer(step.bytes), net::redirect_error(use_awaitable, error));
                co_return !error;
            case Step::Kind::Pause: {
                core::Timer timer(loop_.get_executor(), step.pause);
                co_await timer.async_wait(net::redirect_error(use_awaitable, error));
                co_return !gone(stream);
            }
            case Step::Kind::Hang:
                while (!error) {
                    char byte = 0;
                    co_await stream.async_read_some(net::buffer(&byte, 1), net::redirect_error(use_awaitable, error));
                }
                co_return false;
            case Step::Kind::Bill: record_bill(request, step.usage, billed); co_return true;
            case Step::Kind::Finish:
                update([&] {
                    ++counts_.finished;
                    if (billed != kNotBilled) bill_[billed].finished = true;
                });
                co_return true;
            case Step::Kind::Close:
                co_await linger(stream);
                keep = false;
                co_return true;
            case Step::Kind::Reset:
                stream.reset();
                keep = false;
                co_return true;
        }
        co_return true;
    }

    // Half-closes and reads on: closing with unread bytes would become a reset.
    core::awaitable<void> linger(Stream& stream) {
        error_code error;
        if (!tls_) stream.socket().shutdown(core::Socket::shutdown_send, error);
        while (!error && !tls_) {
            char bytes[4096];
            co_await stream.async_read_some(net::buffer(bytes), net::redirect_error(use_awaitable, error));
        }
        stream.close();
    }

    void record_bill(const UpstreamRequest& request, const core::Usage& usage, std::size_t& billed) {
        const std::lock_guard lock(mutex_);
        if (billed == kNotBilled) {
            billed = bill_.size();
            auto& call = bill_.emplace_back();
            call.request = request.number;
            call.request_id = request.field("x-request-id");
            call.model = model_of(request.body);
        }
        bill_[billed].usage = usage;
    }

    static std::string model_of(std::string_view body) {
        constexpr std::string_view kName = "\"model\":\"";
        const auto at = body.find(kName);
        if (at == std::string_view::npos) return {};
        const auto text = body.substr(at + kName.size());
        return std::string(text.substr(0, text.find('"')));
    }

    Options options_;
    mutable std::mutex mutex_;  // what both threads touch
    mutable std::condition_variable changed_;
    UpstreamCounts counts_;
    std::vector<std::string> received_;
    std::vector<UpstreamRequest> requests_;
    std::vector<BilledCall> bill_;

    net::io_context loop_{1};
    std::optional<net::ssl::context> tls_;
    Acceptor acceptor_{loop_.get_executor()};
    std::uint16_t port_ = 0;
    std::thread thread_;
};

ScriptedUpstream::ScriptedUpstream(Options options) : server_(std::make_unique<Server>(std::move(options))) {}
ScriptedUpstream::~ScriptedUpstream() = default;

std::uint16_t ScriptedUpstream::port() const {
    return server_->port();
}
std::string ScriptedUpstream::base_url() const {
    return (server_->tls() ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port()) + "/v1";
}
void ScriptedUpstream::set_script(Script script) {
    server_->set_script(std::move(script));
}
std::string ScriptedUpstream::received() const {
    return server_->received();
}
bool ScriptedUpstream::received_contains(std::string_view text) const {
    return server_->received().find(text) != std::string::npos;
}
std::vector<UpstreamRequest> ScriptedUpstream::requests() const {
    return server_->requests();
}
UpstreamCounts ScriptedUpstream::counts() const {
    return server_->counts();
}
std::vector<BilledCall> ScriptedUpstream::bill() const {
    return server_->bill();
}
bool ScriptedUpstream::wait_until(const std::function<bool(const UpstreamCounts&)>& predicate,
                                  std::chrono::milliseconds limit) const {
    return server_->wait_until(predicate, limit);
}

}  // namespace sluice::testing
