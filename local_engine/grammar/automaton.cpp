#include "local_engine/grammar/automaton.hpp"

#include "local_engine/grammar/rule_network.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace sluice::local_engine {

using core::Errc;
using core::Error;
using core::Result;

// Subset construction (Rabin and Scott 1959) per rule, with calls as symbols of their own.
class AutomatonBuilder {
public:
    explicit AutomatonBuilder(const GrammarSource& source) : source_(source) {}
    Result<Automaton> build();

private:
    using Nodes = std::vector<std::int32_t>;
    struct Draft {
        struct Edge {
            std::uint8_t first, last;
            StateId to;
        };
        std::vector<Edge> edges;
        std::vector<std::pair<RuleId, StateId>> calls;
        RuleId rule = 0;
        bool final = false;
        bool alive = false;  // the end can be reached
    };

    bool spend(std::uint64_t steps) {
        steps_ += steps;
        return steps_ <= source_.limits().steps;
    }
    void find_nullable();
    Nodes closure(const RuleNetwork& rule, Nodes nodes);
    bool determinise(RuleId rule);
    StateId state_of(RuleId rule, Nodes nodes, std::map<Nodes, StateId>& known, std::vector<Nodes>& work);
    void find_alive();
    Automaton assemble() const;
    void find_follow(Automaton& automaton) const;

    const GrammarSource& source_;
    std::vector<RuleNetwork> networks_;
    std::vector<bool> nullable_, productive_;
    std::vector<Draft> states_;
    std::vector<StateId> starts_;
    std::uint64_t steps_ = 0;
};

Result<Automaton> Automaton::compile(const GrammarSource& source) {
    return AutomatonBuilder(source).build();
}

Result<Automaton> AutomatonBuilder::build() {
    const Error too_large{Errc::InvalidRequest, "is too large: simplify it, or use smaller repetition counts"};
    if (source_.too_large() || !NetworkBuilder(source_).build(networks_)) return too_large;
    find_nullable();
    for (std::size_t rule = 0; rule < networks_.size(); ++rule) {
        if (!determinise(static_cast<RuleId>(rule))) return too_large;
        networks_[rule] = {};
    }
    find_alive();
    if (!productive_[static_cast<std::size_t>(source_.root)]) return Error{Errc::InvalidRequest, "matches no text at all"};
    Automaton automaton = assemble();
    find_follow(automaton);
    return automaton;
}

// Rules that match the empty text: calls of them may be stepped over, so the recogniser never sees an empty match.
void AutomatonBuilder::find_nullable() {
    nullable_.assign(networks_.size(), false);
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t rule = 0; rule < networks_.size(); ++rule) {
            if (nullable_[rule]) continue;
            const Nodes reached = closure(networks_[rule], {networks_[rule].start});
            if (!std::ranges::binary_search(reached, networks_[rule].end)) continue;
            nullable_[rule] = true;
            changed = true;
        }
        if (!spend(networks_.size())) return;
    }
}

AutomatonBuilder::Nodes AutomatonBuilder::closure(const RuleNetwork& rule, Nodes nodes) {
    std::vector<bool> seen(rule.nodes.size(), false);
    for (const std::int32_t node : nodes) seen[static_cast<std::size_t>(node)] = true;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        for (const NetworkEdge& edge : rule.nodes[static_cast<std::size_t>(nodes[i])]) {
            ++steps_;
            const bool free = edge.kind == NetworkEdge::Kind::Empty ||
                              (edge.kind == NetworkEdge::Kind::Call && nullable_[static_cast<std::size_t>(edge.rule)]);
            if (!free || seen[static_cast<std::size_t>(edge.to)]) continue;
            seen[static_cast<std::size_t>(edge.to)] = true;
            nodes.push_back(edge.to);
        }
    }
    steps_ += seen.size() / 64;
    std::ranges::sort(nodes);
    return nodes;
}

StateId AutomatonBuilder::state_of(RuleId rule, Nodes nodes, std::map<Nodes, StateId>& known, std::vector<Nodes>& work) {
    const RuleNetwork& network = networks_[static_cast<std::size_t>(rule)];
    nodes = closure(network, std::move(nodes));
    const auto [found, fresh] = known.try_emplace(std::move(nodes), static_cast<StateId>(states_.size()));
    if (fresh) {
        states_.push_back({.rule = rule, .final = std::ranges::binary_search(found->first, network.end)});
        work.push_back(found->first);
    }
    return found->second;
}

bool AutomatonBuilder::determinise(RuleId rule) {
    const RuleNetwork& network = networks_[static_cast<std::size_t>(rule)];
    std::map<Nodes, StateId> known;
    std::vector<Nodes> work;
    const std::size_t base = states_.size();
    starts_.push_back(state_of(rule, {network.start}, known, work));
    for (std::size_t at = 0; at < work.size(); ++at) {
        if (states_.size() > source_.limits().states || !spend(work[at].size())) return false;
        std::vector<NetworkEdge> edges;
        std::set<int> borders;  // where the set of edges changes
        std::map<RuleId, Nodes> calls;
        for (const std::int32_t node : work[at]) {
            for (const NetworkEdge& edge : network.nodes[static_cast<std::size_t>(node)]) {
                if (edge.kind == NetworkEdge::Kind::Call) calls[edge.rule].push_back(edge.to);
                if (edge.kind != NetworkEdge::Kind::Bytes) continue;
                edges.push_back(edge);
                borders.insert({int{edge.first}, int{edge.last} + 1});
            }
        }
        if (!spend(borders.size() * edges.size())) return false;
        std::vector<Draft::Edge> drafts;
        for (auto border = borders.begin(); border != borders.end() && std::next(border) != borders.end(); ++border) {
            const int first = *border;
            const int last = *std::next(border) - 1;
            Nodes targets;
            for (const NetworkEdge& edge : edges) {
                if (edge.first <= first && last <= edge.last) targets.push_back(edge.to);
            }
            if (targets.empty()) continue;
            std::ranges::sort(targets);
            targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
            const StateId to = state_of(rule, std::move(targets), known, work);
            const bool joins = !drafts.empty() && drafts.back().to == to && drafts.back().last + 1 == first;
            if (joins) drafts.back().last = static_cast<std::uint8_t>(last);
            else drafts.push_back({static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last), to});
        }
        std::vector<std::pair<RuleId, StateId>> call_drafts;
        for (auto& [called, targets] : calls) {
            std::ranges::sort(targets);
            targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
            call_drafts.emplace_back(called, state_of(rule, std::move(targets), known, work));
        }
        states_[base + at].edges = std::move(drafts);
        states_[base + at].calls = std::move(call_drafts);
    }
    return true;
}

// States from which an end is reached, with calls of rules that can end.
void AutomatonBuilder::find_alive() {
    productive_.assign(networks_.size(), false);
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = states_.size(); i-- > 0;) {
            Draft& state = states_[i];
            if (state.alive) continue;
            state.alive = state.final ||
                          std::ranges::any_of(state.edges, [&](const auto& edge) { return states_[edge.to].alive; }) ||
                          std::ranges::any_of(state.calls, [&](const auto& call) {
                              return productive_[static_cast<std::size_t>(call.first)] && states_[call.second].alive;
                          });
            changed = changed || state.alive;
        }
        for (std::size_t rule = 0; rule < starts_.size(); ++rule) {
            if (productive_[rule] || !states_[starts_[rule]].alive) continue;
            productive_[rule] = true;
            changed = true;
        }
    }
}

Automaton AutomatonBuilder::assemble() const {
    Automaton out;
    std::vector<StateId> renamed(states_.size(), kNoState);
    StateId count = 0;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (states_[i].alive) renamed[i] = count++;
    }
    for (const Draft& draft : states_) {
        if (!draft.alive) continue;
        Automaton::State state{.first_edge = static_cast<std::uint32_t>(out.edges_.size()),
                               .first_call = static_cast<std::uint32_t>(out.calls_.size()),
                               .rule = draft.rule,
                               .final = draft.final};
        for (const auto& edge : draft.edges) {
            if (states_[edge.to].alive) out.edges_.push_back({edge.first, edge.last, renamed[edge.to]});
        }
        for (const auto& [rule, after] : draft.calls) {
            const Draft& rest = states_[after];
            if (!rest.alive || !productive_[static_cast<std::size_t>(rule)]) continue;
            out.calls_.push_back({rule, renamed[after], rest.final && rest.edges.empty() && rest.calls.empty()});
        }
        state.edges = static_cast<std::uint32_t>(out.edges_.size()) - state.first_edge;
        state.calls = static_cast<std::uint32_t>(out.calls_.size()) - state.first_call;
        out.states_.push_back(state);
    }
    for (const StateId start : starts_) out.starts_.push_back(renamed[start]);
    out.root_ = source_.root;
    return out;
}

void AutomatonBuilder::find_follow(Automaton& automaton) const {
    const std::size_t rules = automaton.starts_.size();
    std::vector<std::bitset<256>> first(automaton.states());  // bytes that may come next in a state, calls included
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = automaton.states(); i-- > 0;) {
            const auto state = static_cast<StateId>(i);
            std::bitset<256> bytes = first[i];
            const auto& record = automaton.states_[i];
            for (std::uint32_t e = record.first_edge; e < record.first_edge + record.edges; ++e) {
                for (int byte = automaton.edges_[e].first; byte <= automaton.edges_[e].last; ++byte) {
                    bytes.set(static_cast<std::size_t>(byte));
                }
            }
            for (const auto& call : automaton.calls(state)) bytes |= first[automaton.start(call.rule)];
            changed = changed || bytes != first[i];
            first[i] = bytes;
        }
    }
    automaton.follow_.assign(rules, {});
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = 0; i < automaton.states(); ++i) {
            for (const auto& call : automaton.calls(static_cast<StateId>(i))) {
                auto& follow = automaton.follow_[static_cast<std::size_t>(call.rule)];
                std::bitset<256> bytes = follow | first[call.after];
                if (automaton.is_final(call.after)) {
                    bytes |= automaton.follow_[static_cast<std::size_t>(automaton.states_[i].rule)];
                }
                changed = changed || bytes != follow;
                follow = bytes;
            }
        }
    }
}

}  // namespace sluice::local_engine
