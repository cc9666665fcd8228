// Requests and keys for tests of the cache.
#pragma once

#include "cache/cache_key.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace sluice::cache {

inline core::ChatRequest request(const std::string& more = {}, const std::string& content = "hi") {
    auto json =
        core::parse_json(R"({"model":"m","messages":[{"role":"user","content":")" + content + "\"}]" + more + "}");
    return *core::ChatRequest::from_json(std::move(*json));
}

inline core::Caller caller(std::int64_t team = 1) {
    core::Caller out;
    out.team = core::TeamId{team};
    return out;
}

inline const KeyMaker& maker() {
    static const KeyMaker made{core::Secret("test secret")};
    return made;
}

inline Key key(const std::string& content, MayLeaveProcess reach = MayLeaveProcess::Yes) {
    return maker().make(request({}, content), caller(), core::DataClass::Public, "p1", reach);
}

// Runs a coroutine to its end on a loop that others may share.
template <class T>
T run(core::net::io_context& loop, core::awaitable<T> work) {
    std::optional<T> result;
    core::net::co_spawn(loop.get_executor(), std::move(work), [&](std::exception_ptr failed, T value) {
        if (failed) std::rethrow_exception(failed);
        result = std::move(value);
    });
    loop.restart();
    while (!result) loop.run_one();
    return std::move(*result);
}
inline void run(core::net::io_context& loop, core::awaitable<void> work) {
    bool done = false;
    core::net::co_spawn(loop.get_executor(), std::move(work), [&](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
        done = true;
    });
    loop.restart();
    while (!done) loop.run_one();
}

}  // namespace sluice::cache
