#include "local_engine/grammar/compiled_grammar.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::local_engine {
namespace {

constexpr std::size_t kFew = 2000;                           // tokens listed rather than kept as bits
constexpr std::size_t kMostBytes = std::size_t{64} << 20U;   // of what is kept per grammar
constexpr std::size_t kMostKnown = 1024;                     // situations
constexpr std::uint64_t kWarmUp = 12'000'000;                // nodes looked at before the first token is wanted
constexpr std::uint64_t kMostWork = 2'000'000;               // of the recogniser for one mask, or for one state's split
constexpr std::uint64_t kMostSplitting = 8'000'000;          // steps of splitting for one mask: some tens of milliseconds

}  // namespace

core::Result<std::shared_ptr<CompiledGrammar>> CompiledGrammar::compile(const GrammarSource& source,
                                                                        const VocabularyTrie& trie) {
    auto automaton = Automaton::compile(source);
    if (!automaton) return automaton.error();
    std::shared_ptr<CompiledGrammar> grammar(new CompiledGrammar(std::move(*automaton), trie));
    if (!grammar->warm_up(kWarmUp)) return core::Error{core::Errc::InvalidRequest, "is too ambiguous to be followed"};
    return grammar;
}

CompiledGrammar::CompiledGrammar(Automaton automaton, const VocabularyTrie& trie)
    : automaton_(std::move(automaton)),
      trie_(trie),
      splits_(automaton_.states()),
      scratch_(static_cast<std::size_t>(trie.vocabulary())) {}

std::size_t CompiledGrammar::Hash::operator()(const std::vector<std::uint32_t>& words) const {
    std::uint64_t hash = words.size();
    for (const std::uint32_t word : words) hash = (hash ^ word) * 0x9e3779b97f4a7c15U, hash ^= hash >> 32U;
    return static_cast<std::size_t>(hash);
}

bool CompiledGrammar::warm_up(std::uint64_t steps) {
    for (StateId state = 0; state < automaton_.states() && steps_ < steps && bytes_ < kMostBytes / 2; ++state) {
        if (automaton_.has_bytes(state) && split_of(state).failed) return false;
    }
    return true;
}

const CompiledGrammar::Split& CompiledGrammar::split_of(StateId state) {
    std::unique_ptr<Split>& kept = splits_[state];
    if (kept) return *kept;
    if (bytes_ > kMostBytes) {  // start over: whoever needs more than this pays with time
        for (auto& other : splits_) other.reset();
        known_.clear();
        bytes_ = 0;
    }
    kept = std::make_unique<Split>(split(state));
    bytes_ += sizeof(Split) + kept->few.capacity() * sizeof(TokenId) + kept->uncertain.capacity() * 4 +
              (kept->many ? kept->many->bytes() : 0);
    return *kept;
}

// Walks the trie from one state whose callers are not known. While only that state's rule is being read and it calls
// nothing, a step is one look-up; where it calls, the recogniser takes over for what is below.
CompiledGrammar::Split CompiledGrammar::split(StateId state) {
    Split out;
    const std::bitset<256>& follow = automaton_.follow(automaton_.rule_of(state));
    const auto nodes = trie_.nodes();
    std::array<StateId, 256> from_first{};
    for (int byte = 0; byte < 256; ++byte) {
        from_first[static_cast<std::size_t>(byte)] = automaton_.next(state, static_cast<std::uint8_t>(byte));
    }
    struct Step {
        StateId state = kNoState;  // read so far, when `known`
        bool known = true;         // one state without calls; else the recogniser knows
        bool ended = false;        // the rule may end exactly here
        bool escaped = false;      // it may have ended before, and a caller read on
        bool dead = false;         // nothing of this rule goes on here
    };
    std::vector<Step> path(1, Step{.state = state});
    Recogniser recogniser(automaton_);
    std::size_t base = 0;  // depth where the recogniser began; 0: it has not
    for (std::uint32_t i = 0; i < nodes.size();) {
        ++steps_;
        if (recogniser.work() > kMostWork || recogniser.overflowed()) {
            out.failed = true;
            break;
        }
        const VocabularyTrie::Node& node = nodes[i];
        const std::size_t depth = node.depth;
        path.resize(depth);
        if (base != 0 && depth <= base) base = 0;
        const Step& before = path.back();
        // A caller's turn: only bytes that may follow the rule somewhere are worth trying.
        Step here{.escaped = before.escaped || (before.ended && follow[node.byte])};
        if (before.dead) {
            here.dead = true;
        } else if (before.known) {
            here.state = depth == 1 ? from_first[node.byte] : automaton_.next(before.state, node.byte);
            if (here.state == kNoState) {
                here.dead = true;
            } else if (!automaton_.calls(here.state).empty()) {
                here.known = false;
                recogniser.begin(here.state);
                base = depth;
                here.ended = recogniser.accepting();
            } else {
                here.ended = automaton_.is_final(here.state);
            }
        } else {
            here.known = false;
            recogniser.roll_back(recogniser.length() - (depth - 1 - base));
            if (recogniser.advance(node.byte)) here.ended = recogniser.accepting();
            else here.dead = true;
        }
        if (here.dead && !here.escaped) {
            i = node.skip;
            continue;
        }
        if (here.dead) {
            out.uncertain.push_back(i);
        } else if (node.tokens > 0) {
            for (const TokenId token : trie_.tokens(node)) out.few.push_back(token);
        }
        path.push_back(here);
        // Below a dead byte everything is up to the callers: the walk at run time goes there by itself.
        i = here.dead ? node.skip : i + 1;
    }
    steps_ += recogniser.work();
    if (out.few.size() > kFew) {
        out.many.emplace(static_cast<std::size_t>(trie_.vocabulary()));
        for (const TokenId token : out.few) out.many->allow(token);
        out.few.clear();
        out.few.shrink_to_fit();
    }
    return out;
}

const TokenMask* CompiledGrammar::allowed(Recogniser& at) {
    const bool named = at.describe(key_);
    if (named) {
        if (const auto found = known_.find(key_); found != known_.end()) return &found->second;
    }
    scratch_.clear();
    const std::vector<std::uint32_t> key = key_;  // computing looks at other places
    if (!compute(at, scratch_)) return nullptr;
    if (!named) return &scratch_;
    if (known_.size() >= kMostKnown || bytes_ > kMostBytes) {
        for (const auto& [situation, mask] : known_) bytes_ -= std::min(bytes_, mask.bytes() + situation.size() * 4);
        known_.clear();
    }
    bytes_ += scratch_.bytes() + key.size() * 4;
    return &known_.insert_or_assign(key, scratch_).first->second;
}

bool CompiledGrammar::compute(Recogniser& at, TokenMask& mask) {
    if (at.overflowed()) return false;
    std::vector<StateId> states;
    for (const Recogniser::Item& item : at.items()) {
        if (automaton_.has_bytes(item.state) && std::ranges::find(states, item.state) == states.end()) {
            states.push_back(item.state);
        }
    }
    std::vector<std::uint32_t> uncertain;
    const std::uint64_t before = steps_;
    for (const StateId state : states) {
        const Split& split = split_of(state);
        if (split.failed || steps_ - before > kMostSplitting) return false;
        if (split.many) mask.merge(*split.many);
        for (const TokenId token : split.few) mask.allow(token);
        uncertain.insert(uncertain.end(), split.uncertain.begin(), split.uncertain.end());
    }
    if (states.size() > 1) {
        std::ranges::sort(uncertain);
        uncertain.erase(std::unique(uncertain.begin(), uncertain.end()), uncertain.end());
    }
    if (!try_uncertain(at, uncertain, mask)) return false;
    if (at.accepting()) {
        for (const TokenId token : trie_.ends()) mask.allow(token);
    }
    return true;
}

// Tries what begins with each of the nodes, with all callers known. Ways that share a beginning share the work.
bool CompiledGrammar::try_uncertain(Recogniser& at, const std::vector<std::uint32_t>& roots, TokenMask& mask) const {
    const auto nodes = trie_.nodes();
    const std::size_t start = at.length();
    std::vector<std::uint8_t> read;  // bytes the recogniser is ahead by
    const std::uint64_t limit = at.work() + kMostWork;
    std::uint32_t done = 0;  // nodes before this one have been tried
    // The bytes above a node are not in it: they are found by walking down from the top, once per root.
    std::vector<std::uint32_t> above;
    std::uint32_t cursor = 0;
    bool fine = true;
    for (const std::uint32_t root : roots) {
        if (root < done) continue;
        // Descend from what is shared with the last root.
        while (!above.empty() && nodes[above.back()].skip <= root) {
            cursor = nodes[above.back()].skip;
            above.pop_back();
        }
        if (!above.empty() && cursor <= above.back()) cursor = above.back() + 1;
        while (cursor < root) {
            if (nodes[cursor].skip <= root) {
                cursor = nodes[cursor].skip;
            } else {
                above.push_back(cursor);
                ++cursor;
            }
        }
        const std::size_t keep = std::min(read.size(), above.size());
        std::size_t same = 0;
        while (same < keep && read[same] == nodes[above[same]].byte) ++same;
        at.roll_back(at.length() - start - std::min(same, at.length() - start));
        read.resize(same);
        bool alive = true;
        while (alive && read.size() < above.size()) {
            alive = at.advance(nodes[above[read.size()]].byte);
            if (alive) read.push_back(nodes[above[read.size()]].byte);
        }
        done = alive ? nodes[root].skip : nodes[above[read.size()]].skip;
        if (!alive) continue;
        // Everything below the root.
        for (std::uint32_t i = root; i < nodes[root].skip;) {
            const VocabularyTrie::Node& node = nodes[i];
            at.roll_back(at.length() - start - (node.depth - 1U));
            if (at.work() > limit || at.overflowed()) {
                fine = false;
                break;
            }
            if (!at.advance(node.byte)) {
                i = node.skip;
                continue;
            }
            for (const TokenId token : trie_.tokens(node)) mask.allow(token);
            ++i;
        }
        if (!fine) break;
        at.roll_back(at.length() - start - std::min(above.size(), at.length() - start));
    }
    at.roll_back(at.length() - start);
    return fine;
}

}  // namespace sluice::local_engine
