// The coroutine types of the whole program. Executors are concrete (an io_context's), never any_io_executor:
// type-erased executors cost an allocation and an indirect call per operation.
// Every connection lives on one io_context run by one thread, which is its strand.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace sluice::core {

namespace net = boost::asio;

using Executor = net::io_context::executor_type;
template <class T>
using awaitable = net::awaitable<T, Executor>;
inline constexpr net::use_awaitable_t<Executor> use_awaitable{};
using Timer = net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace sluice::core
