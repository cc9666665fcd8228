#include "local_engine/serving/grammar_compiler.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;
using Compiled = Result<std::shared_ptr<CompiledGrammar>>;

constexpr std::size_t kMostKept = 32;
constexpr std::size_t kMostWaiting = 64;

// Shared by the waiting coroutine and the worker; both touch it on the event loop only.
struct Pending {
    explicit Pending(const core::Executor& loop) : timer(loop) {}
    core::Timer timer;
    std::optional<Compiled> result;
};

}  // namespace

std::shared_ptr<CompiledGrammar> GrammarCompiler::find(std::string_view tenant, std::string_view text) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(kept_, [&](const Kept& kept) { return kept.tenant == tenant && kept.text == text; });
    if (found == kept_.end()) return nullptr;
    kept_.splice(kept_.begin(), kept_, found);
    return found->grammar;
}

void GrammarCompiler::keep(Kept kept) {
    const std::lock_guard lock(mutex_);
    kept_.push_front(std::move(kept));
    if (kept_.size() > kMostKept) kept_.pop_back();
}

core::awaitable<Compiled> GrammarCompiler::compile(std::string tenant, Structure structure, core::Deadline deadline) {
    if (auto known = find(tenant, structure.text)) co_return Compiled(std::move(known));
    {
        const std::lock_guard lock(mutex_);
        if (waiting_ >= kMostWaiting) co_return Compiled(Error{Errc::Unavailable, "too many grammars wait", {}, std::chrono::seconds(2)});
        ++waiting_;
    }
    const core::Executor loop = co_await core::net::this_coro::executor;
    const auto pending = std::make_shared<Pending>(loop);
    pending->timer.expires_at(deadline.at());
    // The worker gives its reference to the loop: a copy would be dropped here, and the timer with it, in another thread.
    auto work = [this, loop, pending = std::shared_ptr{pending}, tenant = std::move(tenant), structure = std::move(structure)]() mutable {
        Compiled result = Error{Errc::Internal, "the grammar could not be compiled"};
        try {
            result = CompiledGrammar::compile(structure.source, trie_);
        } catch (const std::exception&) {  // out of memory: the error above
        }
        if (result) keep({std::move(tenant), std::move(structure.text), *result});
        {
            const std::lock_guard lock(mutex_);
            --waiting_;
        }
        core::net::post(loop, [pending = std::move(pending), result = std::move(result)]() mutable {
            pending->result = std::move(result);
            pending->timer.cancel();
        });
    };
    core::net::post(worker_, std::move(work));
    boost::system::error_code woken;  // ready, too late, or cancelled
    co_await pending->timer.async_wait(core::net::redirect_error(core::use_awaitable, woken));
    if (pending->result) co_return std::move(*pending->result);
    if (deadline.passed()) co_return Compiled(Error{Errc::Timeout, "the grammar was not compiled in time"});
    co_return Compiled(Error{Errc::Cancelled, "the client has gone"});
}

}  // namespace sluice::local_engine
