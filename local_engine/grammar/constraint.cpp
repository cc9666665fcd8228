#include "local_engine/grammar/constraint.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {
namespace {

constexpr std::size_t kHistory = 64;  // tokens that can be taken back

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

}  // namespace

Constraint::Constraint(ConstraintPlan plan, const VocabularyTrie& trie, const Tokenizer& tokenizer)
    : plan_(std::move(plan)), trie_(trie), tokenizer_(tokenizer) {
    for (const Trigger& trigger : plan_.triggers) longest_ = std::max(longest_, trigger.marker.size());
    if (plan_.grammar) {
        grammar_ = plan_.grammar;
        recogniser_.emplace(grammar_->automaton());
        for (const char byte : plan_.begun) {
            if (!recogniser_->advance(static_cast<std::uint8_t>(byte))) failed_ = true;
        }
    }
    if (!plan_.may_end_free) {
        free_mask_ = TokenMask(static_cast<std::size_t>(trie_.vocabulary()));
        for (TokenId token = 0; token < trie_.vocabulary(); ++token) free_mask_.allow(token);
        for (const TokenId token : trie_.ends()) free_mask_.forbid(token);
    }
}

void Constraint::constrain(std::shared_ptr<CompiledGrammar> grammar, bool free_again) {
    grammar_ = std::move(grammar);
    recogniser_.emplace(grammar_->automaton());
    free_again_ = free_again;
    at_start_ = false;
    tail_.clear();
    history_.clear();
}

const TokenMask* Constraint::allowed() {
    if (failed_) return nullptr;
    if (!grammar_) return plan_.may_end_free ? nullptr : &free_mask_;
    const TokenMask* mask = grammar_->allowed(*recogniser_);
    if (mask == nullptr) failed_ = true;
    if (mask == nullptr || !at_start_ || !plan_.opens_free) return mask;
    first_mask_ = *mask;
    first_mask_.allow(*plan_.opens_free);
    return &first_mask_;
}

bool Constraint::take(TokenId token) {
    Taken taken{.tail = tail_.size(), .free_again_before = free_again_, .at_start_before = at_start_};
    bool fits = true;
    if (grammar_ && at_start_ && plan_.opens_free == token) {
        taken.switched = true;
        taken.grammar_before = grammar_;
        taken.recogniser_before = std::move(recogniser_);
        grammar_ = nullptr;
        recogniser_.reset();
    } else if (!grammar_) {
        fits = accept_free(token, taken);
    } else if (!tokenizer_.is_end_of_generation(token)) {
        const std::string_view marker = trie_.marker(token);
        const std::string_view text = marker.empty() ? tokenizer_.bytes(token) : marker;
        fits = (!marker.empty() || text.find(VocabularyTrie::kMarker) == std::string_view::npos) && accept_text(text, taken);
    }
    if (!fits) return false;
    at_start_ = false;
    if (grammar_ && free_again_ && recogniser_->accepting()) {
        // Over as soon as it can be: what follows is for the markers of the text around it.
        if (!taken.switched) {
            taken.switched = true;
            taken.grammar_before = grammar_;
            taken.recogniser_before = *recogniser_;
            taken.recogniser_before->roll_back(taken.bytes);
        }
        leave_grammar_if_over();
    }
    history_.push_back(std::move(taken));
    if (history_.size() > kHistory) history_.pop_front();
    return true;
}

void Constraint::leave_grammar_if_over() {
    grammar_ = nullptr;
    recogniser_.reset();
    tail_.clear();
}

bool Constraint::accept_free(TokenId token, Taken& taken) {
    const std::string_view bytes = tokenizer_.bytes(token);
    const std::string_view text = bytes.empty() ? tokenizer_.spelling(token) : bytes;
    taken.tail_before = tail_;
    tail_ += text;
    const Trigger* found = nullptr;
    std::size_t end = std::string::npos;
    for (const Trigger& trigger : plan_.triggers) {
        const std::size_t at = tail_.find(trigger.marker);
        if (at == std::string::npos || at + trigger.marker.size() >= end) continue;
        end = at + trigger.marker.size();
        found = &trigger;
    }
    if (found == nullptr) {
        if (tail_.size() >= longest_ && longest_ > 0) tail_.erase(0, tail_.size() - (longest_ - 1));
        if (longest_ == 0) tail_.clear();
        return true;
    }
    taken.switched = true;
    grammar_ = found->grammar;
    recogniser_.emplace(grammar_->automaton());
    free_again_ = found->free_again;
    // What the token holds behind the marker is the grammar's, but for space that models put there; if it does not
    // fit, the grammar starts with the next token.
    std::string_view rest = std::string_view(tail_).substr(end);
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    for (const char byte : rest) {
        if (recogniser_->advance(static_cast<std::uint8_t>(byte))) continue;
        recogniser_.emplace(grammar_->automaton());
        break;
    }
    tail_.clear();
    return true;
}

bool Constraint::accept_text(std::string_view bytes, Taken& taken) {
    for (const char byte : bytes) {
        if (recogniser_->advance(static_cast<std::uint8_t>(byte))) {
            ++taken.bytes;
            continue;
        }
        recogniser_->roll_back(taken.bytes);
        return false;
    }
    return true;
}

void Constraint::roll_back(std::size_t count) {
    for (; count > 0 && !history_.empty(); --count) {
        Taken taken = std::move(history_.back());
        history_.pop_back();
        if (taken.switched) {
            grammar_ = std::move(taken.grammar_before);
            recogniser_ = std::move(taken.recogniser_before);
        } else if (grammar_) {
            recogniser_->roll_back(taken.bytes);
        }
        if (!grammar_) tail_ = taken.tail_before;
        free_again_ = taken.free_again_before;
        at_start_ = taken.at_start_before;
    }
    failed_ = false;
}

}  // namespace sluice::local_engine
