// Compiles grammars away from the event loops, and keeps those a team used lately. One per model.
#pragma once

#include "core/async.hpp"
#include "core/deadline.hpp"
#include "core/result.hpp"
#include "local_engine/grammar/compiled_grammar.hpp"
#include "local_engine/serving/structured_output.hpp"

#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::local_engine {

class GrammarCompiler {
public:
    explicit GrammarCompiler(const VocabularyTrie& trie) : trie_(trie), worker_(1) {}
    ~GrammarCompiler() { worker_.join(); }
    GrammarCompiler(const GrammarCompiler&) = delete;
    GrammarCompiler& operator=(const GrammarCompiler&) = delete;

    // On a request's event loop, which outlives this object. InvalidRequest: the grammar is too large or matches nothing;
    // Unavailable: too many wait; Cancelled and Timeout as they say.
    core::awaitable<core::Result<std::shared_ptr<CompiledGrammar>>> compile(std::string tenant, Structure structure,
                                                                            core::Deadline deadline);

private:
    struct Kept {
        std::string tenant, text;
        std::shared_ptr<CompiledGrammar> grammar;
    };
    std::shared_ptr<CompiledGrammar> find(std::string_view tenant, std::string_view text);
    void keep(Kept kept);

    const VocabularyTrie& trie_;
    std::mutex mutex_;
    std::list<Kept> kept_;  // the latest used first
    std::size_t waiting_ = 0;
    boost::asio::thread_pool worker_;  // last: ends first
};

}  // namespace sluice::local_engine
