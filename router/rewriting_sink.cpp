#include "router/rewriting_sink.hpp"

#include <string>
#include <vector>

namespace sluice::router {

core::awaitable<core::Result<void>> RewritingSink::events(std::span<const std::string_view> chunks) {
    std::vector<std::string> rewritten;
    rewritten.reserve(chunks.size());
    for (const auto chunk : chunks) rewritten.push_back(rewriter_.chunk(chunk));
    const std::vector<std::string_view> views(rewritten.begin(), rewritten.end());
    co_return co_await next_.events(views);
}

core::awaitable<core::Result<void>> RewritingSink::body(std::string json) {
    std::string rewritten = rewriter_.body(std::move(json));
    co_return co_await next_.body(std::move(rewritten));
}

core::awaitable<core::Result<void>> RewritingSink::finish() {
    const auto rest = rewriter_.rest();
    if (!rest) co_return core::Result<void>{};
    const std::vector<std::string_view> views{*rest};
    co_return co_await next_.events(views);
}

}  // namespace sluice::router
