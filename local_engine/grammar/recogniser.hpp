// Follows a text byte by byte through a grammar: all ways to read it at once, so any context-free grammar works, left
// recursive and ambiguous ones too (Earley 1970, with the callers of a rule kept as a graph of stacks). What happened at
// each byte is kept, so the end of the text can be taken back. Not thread-safe: one per text.
#pragma once

#include "local_engine/grammar/automaton.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::local_engine {

class Recogniser {
public:
    struct Item {
        StateId state = 0;
        std::uint32_t frame = 0;
        friend bool operator==(const Item&, const Item&) = default;
    };
    static constexpr std::uint32_t kRoot = 0;  // the frame nobody called

    explicit Recogniser(const Automaton& automaton) : automaton_(&automaton) { begin(automaton.start(automaton.root())); }

    // From the start of the grammar's root, or from some state of some rule whose callers are not known: whether that
    // rule has ended shows as accepting().
    void begin(StateId state);

    // One more byte. False: no text of the grammar goes on like this; nothing has changed.
    bool advance(std::uint8_t byte);
    void roll_back(std::size_t bytes);  // at most length()

    std::size_t length() const { return marks_.size() - 1; }
    bool accepting() const { return marks_.back().accepting; }  // the text may end here
    std::span<const Item> items() const { return std::span(items_).subspan(marks_.back().items); }
    // An ambiguous grammar made more ways to read the text than are followed: it was cut off.
    bool overflowed() const { return overflowed_; }
    std::uint64_t work() const { return work_; }  // steps taken so far: what following costs, whatever it leads to

    // What may follow depends on nothing but this: states and the states their callers wait in. False: too long to say.
    bool describe(std::vector<std::uint32_t>& out) const;

private:
    struct Frame {
        RuleId rule = 0;
        std::uint32_t length = 0;  // of the text where the rule was called
        std::uint32_t links = 0;   // first of its callers, 0: none
    };
    struct Link {
        StateId after = 0;
        std::uint32_t frame = 0;
        std::uint32_t next = 0;
    };
    struct Mark {
        std::size_t items = 0, frames = 0, links = 0;  // where those of this length begin
        bool accepting = false;
    };

    void add(StateId state, std::uint32_t frame);
    void close();
    void call(const Automaton::Call& called, std::uint32_t frame);
    void truncate(const Mark& mark);

    const Automaton* automaton_;
    std::vector<Item> items_;  // of all lengths, one after the other
    std::vector<Frame> frames_;
    std::vector<Link> links_;
    std::vector<Mark> marks_;
    bool overflowed_ = false;
    std::uint64_t work_ = 0;

    // Items of the current length, once there are many: a place is taken when its stamp is the current one.
    struct Place {
        Item item;
        std::uint64_t stamp = 0;
    };
    bool insert(const Item& item);
    std::vector<Place> places_;
    std::uint64_t stamp_ = 0;
    bool hashed_ = false;  // the items of the current length are in places_
};

}  // namespace sluice::local_engine
