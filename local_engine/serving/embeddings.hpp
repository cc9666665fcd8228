// POST /v1/embeddings on a local model: texts in, one vector each. Texts go through the same batches as chats do.
#pragma once

#include "core/backend.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/serving/engine_loop.hpp"
#include "local_engine/serving/pooling.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <cstdint>
#include <optional>

namespace sluice::local_engine {

// How this model makes a vector of a text, as its file says.
struct EmbeddingStyle {
    Pooling pooling = Pooling::LastToken;
    std::optional<TokenId> first, last;  // tokens around every text
    std::int64_t context = 0;            // tokens of a text at most
    std::int64_t width = 0;

    static EmbeddingStyle of(const gguf::Reader& file, const Tokenizer& tokenizer, std::int64_t context, std::int64_t width);
};

// The contract of core::LocalBackend::serve(). InvalidRequest: a text longer than the context, dimensions beyond the width.
core::awaitable<core::ServeOutcome> serve_embeddings(EngineLoop& loop, const Tokenizer& tokenizer, const EmbeddingStyle& style,
                                                     const core::ChatRequest& request, const core::ServeOptions& options,
                                                     core::ReplySink& reply);

}  // namespace sluice::local_engine
