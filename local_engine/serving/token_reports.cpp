#include "local_engine/serving/token_reports.hpp"

#include <string>
#include <utility>

namespace sluice::local_engine {

void TokenReports::note(const LogProbabilities& row, TokenId token, const Tokenizer& tokenizer,
                        std::size_t text_bytes) {
    // Control tokens have no text of their own: their spelling says what they are.
    const auto words = [&](TokenId id) {
        const std::string_view bytes = tokenizer.bytes(id);
        return std::string(bytes.empty() ? tokenizer.spelling(id) : bytes);
    };
    Held held{.begin = written_, .end = written_ + text_bytes};
    held.report.chosen = {words(token), row.of(token)};
    if (top_ > 0) {
        for (const TokenProbability& other : row.best(top_)) {
            held.report.best.push_back({words(other.token), other.log_probability});
        }
    }
    written_ = held.end;
    held_.push_back(std::move(held));
}

std::vector<TokenReport> TokenReports::release(std::size_t bytes) {
    std::vector<TokenReport> out;
    while (!held_.empty() && held_.front().end <= bytes) {
        out.push_back(std::move(held_.front().report));
        held_.pop_front();
    }
    return out;
}

std::vector<TokenReport> TokenReports::finish(std::size_t bytes, bool cut) {
    std::vector<TokenReport> out;
    for (Held& held : held_) {
        if (!cut || held.begin < bytes) out.push_back(std::move(held.report));
    }
    held_.clear();
    return out;
}

}  // namespace sluice::local_engine
