#include "local_engine/grammar/recogniser.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

constexpr std::size_t kMostItems = 512;  // of one length
constexpr std::size_t kFewItems = 12;    // searched one by one
constexpr std::size_t kPlaces = 2048;    // a power of two
constexpr std::size_t kLongDescription = 600;

}  // namespace

void Recogniser::begin(StateId state) {
    items_.clear();
    frames_.assign(1, {automaton_->rule_of(state), 0, 0});
    links_.assign(1, {});  // 0 stands for none
    marks_.assign(1, {0, 1, 1, false});
    overflowed_ = false;
    hashed_ = false;
    add(state, kRoot);
    close();
}

void Recogniser::add(StateId state, std::uint32_t frame) {
    const Item item{state, frame};
    ++work_;
    const std::size_t count = items_.size() - marks_.back().items;
    const auto first = items_.begin() + static_cast<std::ptrdiff_t>(marks_.back().items);
    if (count <= kFewItems) {
        hashed_ = false;
        if (std::find(first, items_.end(), item) != items_.end()) return;
    } else {
        if (!hashed_) {
            if (places_.empty()) places_.resize(kPlaces);
            ++stamp_;
            hashed_ = true;
            for (auto known = first; known != items_.end(); ++known) insert(*known);
        }
        if (!insert(item)) return;
    }
    if (count >= kMostItems) {
        overflowed_ = true;
        return;
    }
    items_.push_back(item);
}

// False: it was there. The table is never more than a third full.
bool Recogniser::insert(const Item& item) {
    const std::uint64_t hash = (std::uint64_t{item.state} << 32U | item.frame) * 0x9e3779b97f4a7c15U;
    for (std::size_t at = hash >> 53U;; at = (at + 1) % kPlaces) {
        Place& place = places_[at];
        if (place.stamp != stamp_) {
            place = {item, stamp_};
            return true;
        }
        if (place.item == item) return false;
    }
}

// Calls what the items call and returns to the callers of what has ended, until nothing new comes.
void Recogniser::close() {
    const auto here = static_cast<std::uint32_t>(length());
    for (std::size_t i = marks_.back().items; i < items_.size(); ++i) {
        const Item item = items_[i];
        for (const Automaton::Call& called : automaton_->calls(item.state)) call(called, item.frame);
        if (!automaton_->is_final(item.state)) continue;
        if (item.frame == kRoot) {
            marks_.back().accepting = true;
            continue;
        }
        const Frame& frame = frames_[item.frame];
        if (frame.length == here) continue;  // empty: its callers have stepped over it already
        for (std::uint32_t link = frame.links; link != 0; link = links_[link].next) {
            add(links_[link].after, links_[link].frame);
        }
    }
}

void Recogniser::call(const Automaton::Call& called, std::uint32_t frame) {
    const StateId start = automaton_->start(called.rule);
    if (called.tail) return add(start, frame);
    std::uint32_t target = 0;
    for (std::size_t i = marks_.back().frames; i < frames_.size() && target == 0; ++i) {
        if (frames_[i].rule == called.rule) target = static_cast<std::uint32_t>(i);
    }
    if (target == 0) {
        target = static_cast<std::uint32_t>(frames_.size());
        frames_.push_back({called.rule, static_cast<std::uint32_t>(length()), 0});
    }
    for (std::uint32_t link = frames_[target].links; link != 0; link = links_[link].next) {
        ++work_;
        if (links_[link].after == called.after && links_[link].frame == frame) return;
    }
    links_.push_back({called.after, frame, frames_[target].links});
    frames_[target].links = static_cast<std::uint32_t>(links_.size() - 1);
    add(start, target);
}

bool Recogniser::advance(std::uint8_t byte) {
    const Mark before = marks_.back();
    const std::size_t end = items_.size();
    marks_.push_back({end, frames_.size(), links_.size(), false});
    hashed_ = false;
    for (std::size_t i = before.items; i < end; ++i) {
        const Item item = items_[i];
        const StateId to = automaton_->next(item.state, byte);
        if (to != kNoState) add(to, item.frame);
    }
    if (items_.size() == end) {
        marks_.pop_back();
        return false;
    }
    close();
    return true;
}

void Recogniser::roll_back(std::size_t bytes) {
    if (bytes == 0) return;
    const std::size_t left = marks_.size() - std::min(bytes, length());
    truncate(marks_[left]);
    marks_.resize(left);
}

void Recogniser::truncate(const Mark& mark) {
    items_.resize(mark.items);
    frames_.resize(mark.frames);
    links_.resize(mark.links);
}

bool Recogniser::describe(std::vector<std::uint32_t>& out) const {
    out.clear();
    std::vector<std::uint32_t> order;  // frames in the order they are met: their names here
    const auto name = [&](std::uint32_t frame) {
        const auto found = std::ranges::find(order, frame);
        if (found == order.end()) {
            order.push_back(frame);
            return static_cast<std::uint32_t>(order.size() - 1);
        }
        return static_cast<std::uint32_t>(found - order.begin());
    };
    name(kRoot);
    for (const Item& item : items()) {
        if (!automaton_->has_bytes(item.state) && !automaton_->is_final(item.state)) continue;
        out.push_back(item.state);
        out.push_back(name(item.frame));
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        out.push_back(UINT32_MAX);
        for (std::uint32_t link = frames_[order[i]].links; link != 0; link = links_[link].next) {
            out.push_back(links_[link].after);
            out.push_back(name(links_[link].frame));
        }
        if (out.size() > kLongDescription) return false;
    }
    return true;
}

}  // namespace sluice::local_engine
