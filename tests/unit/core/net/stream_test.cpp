#include "core/net/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

namespace sluice::core {
namespace {

namespace http = boost::beast::http;
using Acceptor = net::basic_socket_acceptor<Tcp, Executor>;
using std::chrono::milliseconds;

// Two connected sockets on one loop.
struct Pair {
    net::io_context& loop;
    Socket client{loop.get_executor()};
    Socket server{loop.get_executor()};

    explicit Pair(net::io_context& context) : loop(context) {
        Acceptor acceptor(loop.get_executor(), Tcp::endpoint(net::ip::address_v4::loopback(), 0));
        client.connect(acceptor.local_endpoint());
        acceptor.accept(server);
    }
};

template <class Body>
void run(net::io_context& loop, Body body) {
    net::co_spawn(loop.get_executor(), std::move(body), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
    loop.run();
}

TEST(Stream, CarriesBeastRequestsOverPlainTcp) {
    net::io_context loop;
    Pair pair(loop);
    Stream stream(std::move(pair.server));
    net::write(pair.client, net::buffer(std::string_view("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")));
    std::string target;
    const auto body = [&]() -> awaitable<void> {
        boost::beast::flat_buffer buffer;
        http::request<http::string_body> request;
        co_await http::async_read(stream, buffer, request, use_awaitable);
        target = std::string(request.target());
        http::response<http::string_body> response(http::status::ok, 11, "hello");
        response.prepare_payload();
        co_await http::async_write(stream, response, use_awaitable);
    };
    run(loop, body);
    EXPECT_EQ(target, "/x");
    std::string answer(64, '\0');
    answer.resize(pair.client.read_some(net::buffer(answer)));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
}

TEST(Stream, APendingReadEndsWithTimedOutNeitherEarlyNorMuchLate) {
    net::io_context loop;
    Pair pair(loop);
    Stream stream(std::move(pair.server));
    error_code error;
    const auto begin = Stream::Clock::now();
    const auto body = [&]() -> awaitable<void> {
        char byte = 0;
        stream.expires_after(milliseconds(120));
        co_await stream.async_read_some(net::buffer(&byte, 1), net::redirect_error(use_awaitable, error));
    };
    run(loop, body);
    const auto took = Stream::Clock::now() - begin;
    EXPECT_EQ(error, net::error::timed_out);
    EXPECT_GE(took, milliseconds(120));
    EXPECT_LT(took, milliseconds(30'000));
}

TEST(Stream, AfterATimeoutANewDeadlineLetsTheStreamBeUsedAgain) {
    net::io_context loop;
    Pair pair(loop);
    Stream stream(std::move(pair.server));
    error_code first;
    error_code second;
    error_code third;
    const auto body = [&]() -> awaitable<void> {
        char byte = 0;
        stream.expires_after(milliseconds(60));
        co_await stream.async_read_some(net::buffer(&byte, 1), net::redirect_error(use_awaitable, first));
        co_await stream.async_write_some(net::buffer("a", 1), net::redirect_error(use_awaitable, second));
        stream.expires_after(milliseconds(5000));
        co_await net::async_write(stream, net::buffer("b", 1), net::redirect_error(use_awaitable, third));
        stream.expires_never();
    };
    run(loop, body);
    EXPECT_EQ(first, net::error::timed_out);
    EXPECT_EQ(second, net::error::timed_out) << "fails at once while the deadline stands";
    EXPECT_FALSE(third);
    char byte = 0;
    net::read(pair.client, net::buffer(&byte, 1));
    EXPECT_EQ(byte, 'b');
}

TEST(Stream, ADeadlineMovedBackDoesNotFireAndOneMovedForwardDoes) {
    net::io_context loop;
    Pair pair(loop);
    Stream later(std::move(pair.server));
    Stream sooner(std::move(pair.client));
    error_code sooner_error;
    bool later_fired = true;
    const auto body = [&]() -> awaitable<void> {
        char byte = 0;
        later.expires_after(milliseconds(60));
        later.expires_after(milliseconds(60'000));
        sooner.expires_after(milliseconds(60'000));
        sooner.expires_after(milliseconds(200));
        co_await sooner.async_read_some(net::buffer(&byte, 1), net::redirect_error(use_awaitable, sooner_error));
        later_fired = later.timed_out();
        later.expires_never();
    };
    run(loop, body);
    EXPECT_EQ(sooner_error, net::error::timed_out);
    EXPECT_FALSE(later_fired);
}

TEST(Stream, ManyDeadlinesFireInOrderFromOneTimer) {
    net::io_context loop;
    struct Item final : Timeouts::Entry {
        Item(Timeouts& timeouts, std::vector<int>& log, int number) : Entry(timeouts), fired(log), id(number) {}
        void on_deadline() override { fired.push_back(id); }
        std::vector<int>& fired;
        int id;
    };
    std::vector<int> fired;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 5; ++i) {
        items.push_back(std::make_unique<Item>(Timeouts::of(loop), fired, i));
        items.back()->expires_after(milliseconds(100 * (5 - i)));
    }
    items[2].reset();  // destroyed before its time: never fires
    loop.run();
    EXPECT_EQ(fired, (std::vector<int>{4, 3, 1, 0}));
}

TEST(Stream, ResetReachesThePeerAsAReset) {
    net::io_context loop;
    Pair pair(loop);
    Stream stream(std::move(pair.server));
    stream.reset();
    char byte = 0;
    error_code error;
    pair.client.read_some(net::buffer(&byte, 1), error);
    EXPECT_EQ(error, net::error::connection_reset);
}

}  // namespace
}  // namespace sluice::core
