// What earlier turns were. Of every message that was private, and of every answer to a private request, a keyed hash is
// remembered with the class, so that a later turn cannot become less sensitive by leaving things out, by summarising,
// or by being sent without the header that declared it. No text is kept, and a hash says nothing without the team's
// key.
//
// A message is recognised by its whole text (case and white space do not count, nor does its role: a summary that comes
// back as a system message is still that summary) and by its longer lines, so that a private answer inside another text
// is found as well. Texts of less than kShortest bytes say too little to recognise anything by.
#pragma once

#include "core/caller.hpp"
#include "core/chat.hpp"
#include "core/classified.hpp"
#include "core/crypto.hpp"
#include "policies/sensitivity/placeholder.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::policies {

using MemoryLabel = std::array<std::uint8_t, 16>;     // keyed hash of a text, cut to 128 bits
using ConversationId = std::array<std::uint8_t, 16>;  // all zero: none

// What is known of a text.
struct Remembered {
    core::DataClass data_class = core::DataClass::Public;
    // Once all of `values` are masked the text is only this; the same as data_class when masking does not help.
    core::DataClass masked_class = core::DataClass::Public;
    std::vector<std::uint64_t> values = {};  // keyed hashes of the masked values in it; at most kMostValues
    ConversationId conversation = {};        // whose placeholders it has

    static constexpr std::size_t kMostValues = 512;
    friend bool operator==(const Remembered&, const Remembered&) = default;
};

// The more careful of both.
Remembered join(const Remembered& a, const Remembered& b);
std::string encode(const Remembered& remembered);
std::optional<Remembered> decode_remembered(std::string_view bytes);

struct LabelledText {
    MemoryLabel label;
    std::string text;          // as it stands in the message: to see which values are in it
    std::int32_t message = 0;  // index
    bool whole = true;         // false: a line of it
};

// Hashes of one team's texts. Making one derives the team's key; a copy is cheap.
class TeamLabels {
public:
    static constexpr std::size_t kShortest = 16;      // bytes of a whole text, normalised
    static constexpr std::size_t kShortestLine = 64;  // of a line in it
    static constexpr std::size_t kMostLines = 256;    // per message

    TeamLabels(const core::Secret& secret, core::TeamId team);

    std::vector<LabelledText> of_request(const core::ChatRequest& request) const;
    std::vector<LabelledText> of_answer(std::string_view text) const;
    std::uint64_t of_value(std::string_view value) const;
    // The conversation a request belongs to when nothing of it is remembered: by its first message that is not the
    // system's, so that a longer request of the same conversation has the same.
    ConversationId conversation_of(const core::ChatRequest& request) const;
    // Keys derived for one conversation: of its placeholders, of its kept values.
    core::Secret conversation_key(const ConversationId& conversation, std::string_view purpose) const;

private:
    void add(std::string text, std::int32_t message, std::vector<LabelledText>& out) const;
    // Its longer lines; `whole` is the length of the whole text as it is hashed.
    void add_lines(std::string_view text, std::size_t whole, std::int32_t message, std::vector<LabelledText>& out) const;

    core::Hmac hmac_;
};

// What memory says of one request.
class Recollection {
public:
    Recollection() = default;
    explicit Recollection(std::vector<Remembered> all) : all_(std::move(all)) {}

    core::DataClass data_class() const;  // as it stands
    core::DataClass data_class_if_masked(const PlaceholderMap& map, const TeamLabels& labels) const;
    // Of the last message that has one.
    ConversationId conversation() const;
    bool empty() const { return all_.empty(); }

private:
    std::vector<Remembered> all_;  // in the order of the messages
};

// Labels kept in this process: bounded, the least recently used leave first, each after its time. Thread-safe.
class ProcessMemory {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kMostEntries = 1U << 18U;  // about 40 MiB

    explicit ProcessMemory(std::size_t most_entries = kMostEntries);

    // False: nothing of this team is kept at `now`, so its texts need no labels. True may be for another team's sake.
    bool may_know(core::TeamId team, Clock::time_point now = Clock::now()) const;
    // One element per label, nullopt where nothing is known.
    std::vector<std::optional<Remembered>> find(std::span<const MemoryLabel> labels,
                                                Clock::time_point now = Clock::now());
    // Joined with what is there. The label is one of the team's.
    void store(core::TeamId team, const MemoryLabel& label, const Remembered& remembered, std::chrono::seconds keep,
               Clock::time_point now = Clock::now());
    std::size_t size() const;

private:
    struct Entry {
        MemoryLabel label;
        Remembered remembered;
        Clock::time_point expires;
    };
    struct LabelHash {
        std::size_t operator()(const MemoryLabel& label) const noexcept;
    };
    using Entries = std::list<Entry>;  // most recently used first
    struct Shard {
        mutable std::mutex mutex;
        Entries entries;
        std::unordered_map<MemoryLabel, Entries::iterator, LabelHash> index;
    };
    static constexpr std::size_t kShards = 16;
    Shard& shard_of(const MemoryLabel& label) { return shards_[label[0] % kShards]; }

    std::size_t most_per_shard_;
    std::array<Shard, kShards> shards_;
    std::array<std::atomic<Clock::rep>, 1024> last_expiry_;  // of what teams of this number modulo the size have here
};

}  // namespace sluice::policies
