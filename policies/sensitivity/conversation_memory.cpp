#include "policies/sensitivity/conversation_memory.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace sluice::policies {

namespace {

constexpr std::size_t kKeptBytes = std::size_t{64} << 10U;  // a longer buffer is given back after use
constexpr char kTextMark = 't';  // in front of what is hashed of a text: values and conversations have others

// What a byte counts as: its lower case, a blank for white space, nothing (0) for markdown's marks.
constexpr std::array<char, 256> kFolded = [] {
    std::array<char, 256> folded{};
    for (std::size_t i = 0; i < folded.size(); ++i) {
        const char c = static_cast<char>(i);
        folded[i] = c == '*' || c == '`' || c == '#' ? '\0' : detail::is_space(c) ? ' ' : detail::to_lower(c);
    }
    return folded;
}();

// Eight bytes of plain ASCII in lower case, or nothing where one of them is more than a letter, a digit, punctuation or a
// lone blank. Bytes below 0x80 cannot carry into their neighbours here.
std::optional<std::uint64_t> folded_word(std::uint64_t word, bool after_blank) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHigh = 0x8080808080808080;
    const auto at_least = [word](char c) { return word + kOnes * (0x80U - static_cast<unsigned char>(c)); };  // the high bits
    const auto equal = [word](char c) { return ~((word ^ (kOnes * static_cast<unsigned char>(c))) + kOnes * 0x7FU); };
    const std::uint64_t blank = equal(' ') & kHigh;
    const std::uint64_t second = blank & (blank << 8U | (after_blank ? 0x80U : 0U));
    const std::uint64_t special = ~at_least(' ') | equal('*') | equal('`') | equal('#') | word | second;
    if ((special & kHigh) != 0) return std::nullopt;
    const std::uint64_t upper = at_least('A') & ~at_least('Z' + 1) & kHigh;
    return word | upper >> 2U;
}

// Case, white space and markdown's marks do not make another text. kTextMark is in front.
void normalise(std::string_view text, std::string& out) {
    out.resize(text.size() + 1);
    out[0] = kTextMark;
    char* to = out.data() + 1;
    char last = ' ';
    const auto one = [&](char c) {
        const char folded = kFolded[static_cast<unsigned char>(c)];
        // Without a branch: where words end cannot be foretold.
        const auto dropped = static_cast<unsigned>(folded == ' ') & static_cast<unsigned>(last == ' ');
        const auto marks = static_cast<unsigned>(folded == '\0') & static_cast<unsigned>(c != '\0');
        *to = folded;
        to += 1U - (dropped | marks);
        last = marks != 0 ? last : folded;
    };
    std::size_t at = 0;
    for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
        std::memcpy(&word, text.data() + at, sizeof word);
        const auto folded = folded_word(word, last == ' ');
        if (std::endian::native == std::endian::little && folded) {
            std::memcpy(to, &*folded, sizeof word);
            to += sizeof word;
            last = to[-1];
        } else {
            for (std::size_t i = 0; i < sizeof word; ++i) one(text[at + i]);
        }
    }
    for (; at < text.size(); ++at) one(text[at]);
    auto size = static_cast<std::size_t>(to - out.data());
    while (size > 1 && out[size - 1] == ' ') --size;
    out.resize(size);
}

template <std::size_t Size>
std::array<std::uint8_t, Size> first_bytes(const core::Digest& digest) {
    std::array<std::uint8_t, Size> out{};
    std::copy_n(digest.begin(), Size, out.begin());
    return out;
}

core::Secret team_secret(const core::Secret& secret, core::TeamId team) {
    const auto digest = core::Hmac{secret}.mac("conversation memory 1, team " + std::to_string(team.value));
    return core::Secret{std::string(digest.begin(), digest.end())};
}

void append_text(const core::Json& content, std::string& out) {
    if (content.is_string()) {
        if (!out.empty()) out += '\n';
        out += content.get_ref<const std::string&>();
    } else if (content.is_array()) {
        for (const auto& part : content) append_text(part, out);
    } else if (content.is_object()) {
        for (const auto* name : {"text", "refusal"})
            if (const auto found = content.find(name); found != content.end()) append_text(*found, out);
    }
}

// Everything a message says, as one text; arguments of tool calls each by themselves are part of it.
std::string text_of(const core::Json& message) {
    std::string out;
    for (const auto* name : {"content", "refusal"})
        if (const auto found = message.find(name); found != message.end()) append_text(*found, out);
    if (const auto calls = message.find("tool_calls"); calls != message.end() && calls->is_array())
        for (const auto& call : *calls)
            if (call.is_object())
                if (const auto function = call.find("function"); function != call.end() && function->is_object())
                    if (const auto arguments = function->find("arguments"); arguments != function->end())
                        append_text(*arguments, out);
    return out;
}

void write_number(std::string& out, std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xffU);
}

std::uint64_t read_number(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
}

bool is_none(const ConversationId& id) {
    return std::ranges::all_of(id, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Remembered join(const Remembered& a, const Remembered& b) {
    Remembered out{.data_class = core::join(a.data_class, b.data_class),
                   .masked_class = core::join(a.masked_class, b.masked_class),
                   .values = a.values,
                   .conversation = is_none(b.conversation) ? a.conversation : b.conversation};
    for (const auto value : b.values)
        if (std::ranges::find(out.values, value) == out.values.end()) out.values.push_back(value);
    // What cannot be listed cannot be checked: then masking does not help.
    if (out.values.size() > Remembered::kMostValues) {
        out.masked_class = out.data_class;
        out.values.clear();
    }
    return out;
}

// Version, classes, conversation, values.
std::string encode(const Remembered& remembered) {
    std::string out{'\1', static_cast<char>(remembered.data_class), static_cast<char>(remembered.masked_class)};
    out.append(remembered.conversation.begin(), remembered.conversation.end());
    for (const auto value : remembered.values) write_number(out, value);
    return out;
}

std::optional<Remembered> decode_remembered(std::string_view bytes) {
    constexpr std::size_t kHead = 3 + sizeof(ConversationId);
    if (bytes.size() < kHead || bytes[0] != '\1' || (bytes.size() - kHead) % 8 != 0 ||
        (bytes.size() - kHead) / 8 > Remembered::kMostValues)
        return std::nullopt;
    const auto data_class = static_cast<unsigned char>(bytes[1]);
    const auto masked_class = static_cast<unsigned char>(bytes[2]);
    if (data_class > 3 || masked_class > data_class) return std::nullopt;
    Remembered out{.data_class = static_cast<core::DataClass>(data_class),
                   .masked_class = static_cast<core::DataClass>(masked_class)};
    std::memcpy(out.conversation.data(), bytes.data() + 3, sizeof(ConversationId));
    for (std::size_t at = kHead; at < bytes.size(); at += 8) out.values.push_back(read_number(bytes.substr(at)));
    return out;
}

TeamLabels::TeamLabels(const core::Secret& secret, core::TeamId team) : hmac_(team_secret(secret, team)) {}

void TeamLabels::add(std::string text, std::int32_t message, std::vector<LabelledText>& out) const {
    thread_local std::string folded;  // with its mark
    normalise(text, folded);
    const std::size_t whole = folded.size();
    if (whole <= kShortest) return;
    const std::size_t at_whole = out.size();
    out.push_back({first_bytes<16>(hmac_.mac(folded)), {}, message, true});
    if (text.find('\n') != std::string::npos) add_lines(text, whole, message, out);
    if (folded.capacity() > kKeptBytes) std::string().swap(folded);
    out[at_whole].text = std::move(text);
}

void TeamLabels::add_lines(std::string_view text, std::size_t whole, std::int32_t message, std::vector<LabelledText>& out) const {
    thread_local std::string folded;
    std::size_t lines = 0;
    for (std::size_t at = 0; at < text.size() && lines < kMostLines;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        at = end + 1;
        if (line.size() < kShortestLine) continue;
        normalise(line, folded);
        if (folded.size() <= kShortestLine || folded.size() == whole) continue;
        ++lines;
        out.push_back({first_bytes<16>(hmac_.mac(folded)), std::string{line}, message, false});
    }
    if (folded.capacity() > kKeptBytes) std::string().swap(folded);
}

namespace {

// What an embeddings request asks about: one text or several.
std::vector<std::string> inputs_of(const core::ChatRequest& request) {
    const auto& input = request.body().at("input");
    if (input.is_string()) return {input.get<std::string>()};
    std::vector<std::string> texts;
    for (const auto& text : input)
        if (text.is_string()) texts.push_back(text.get<std::string>());
    return texts;
}

}  // namespace

std::vector<LabelledText> TeamLabels::of_request(const core::ChatRequest& request) const {
    std::vector<LabelledText> out;
    if (request.operation() == core::Operation::Embeddings) {
        for (auto& text : inputs_of(request)) add(std::move(text), -1, out);
        return out;
    }
    const auto& messages = request.body().at("messages");
    out.reserve(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) add(text_of(messages[i]), static_cast<std::int32_t>(i), out);
    return out;
}

std::vector<LabelledText> TeamLabels::of_answer(std::string_view text) const {
    std::vector<LabelledText> out;
    add(std::string{text}, 0, out);
    return out;
}

std::uint64_t TeamLabels::of_value(std::string_view value) const {
    std::string input = "v";
    input += value;
    const auto digest = hmac_.mac(input);
    std::uint64_t out = 0;
    std::memcpy(&out, digest.data(), sizeof out);
    return out;
}

ConversationId TeamLabels::conversation_of(const core::ChatRequest& request) const {
    if (request.operation() == core::Operation::Embeddings)  // each is a conversation of its own
        return first_bytes<16>(hmac_.mac("e" + core::dump_json(request.body().at("input"))));
    const auto& messages = request.body().at("messages");
    for (const auto& message : messages) {
        const auto& role = message.at("role").get_ref<const std::string&>();
        if (role != "system" && role != "developer") return first_bytes<16>(hmac_.mac("c" + text_of(message)));
    }
    return first_bytes<16>(hmac_.mac("c" + text_of(messages.at(0))));
}

core::Secret TeamLabels::conversation_key(const ConversationId& conversation, std::string_view purpose) const {
    std::string input = "k";
    input.append(conversation.begin(), conversation.end());
    input.append(purpose);
    const auto digest = hmac_.mac(input);
    return core::Secret{std::string(digest.begin(), digest.end())};
}

core::DataClass Recollection::data_class() const {
    auto out = core::DataClass::Public;
    for (const auto& one : all_) out = core::join(out, one.data_class);
    return out;
}

core::DataClass Recollection::data_class_if_masked(const PlaceholderMap& map, const TeamLabels& labels) const {
    std::vector<std::uint64_t> masked;
    for (std::size_t i = 0; i < map.size(); ++i) masked.push_back(labels.of_value(map.at(i).value));
    std::ranges::sort(masked);
    auto out = core::DataClass::Public;
    for (const auto& one : all_) {
        const bool all = !one.values.empty() && std::ranges::all_of(one.values, [&](std::uint64_t value) {
            return std::ranges::binary_search(masked, value);
        });
        out = core::join(out, all ? one.masked_class : one.data_class);
    }
    return out;
}

ConversationId Recollection::conversation() const {
    for (auto one = all_.rbegin(); one != all_.rend(); ++one)
        if (!is_none(one->conversation)) return one->conversation;
    return {};
}

std::size_t ProcessMemory::LabelHash::operator()(const MemoryLabel& label) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, label.data() + 1, sizeof hash);
    return hash;
}

ProcessMemory::ProcessMemory(std::size_t most_entries)
    : most_per_shard_(std::max<std::size_t>(1, most_entries / kShards)) {
    for (auto& expiry : last_expiry_) expiry.store(Clock::time_point::min().time_since_epoch().count(), std::memory_order_relaxed);
}

bool ProcessMemory::may_know(core::TeamId team, Clock::time_point now) const {
    const auto slot = static_cast<std::uint64_t>(team.value) % last_expiry_.size();
    return now.time_since_epoch().count() < last_expiry_[slot].load(std::memory_order_acquire);
}

std::vector<std::optional<Remembered>> ProcessMemory::find(std::span<const MemoryLabel> labels, Clock::time_point now) {
    std::vector<std::optional<Remembered>> out(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        Shard& shard = shard_of(labels[i]);
        const std::lock_guard lock(shard.mutex);
        const auto at = shard.index.find(labels[i]);
        if (at == shard.index.end()) continue;
        if (now >= at->second->expires) {
            shard.entries.erase(at->second);
            shard.index.erase(at);
            continue;
        }
        shard.entries.splice(shard.entries.begin(), shard.entries, at->second);
        out[i] = at->second->remembered;
    }
    return out;
}

void ProcessMemory::store(core::TeamId team, const MemoryLabel& label, const Remembered& remembered,
                          std::chrono::seconds keep, Clock::time_point now) {
    auto& last = last_expiry_[static_cast<std::uint64_t>(team.value) % last_expiry_.size()];
    const auto expiry = (now + keep).time_since_epoch().count();
    for (auto known = last.load(std::memory_order_relaxed);
         known < expiry && !last.compare_exchange_weak(known, expiry, std::memory_order_release, std::memory_order_relaxed);) {
    }
    Shard& shard = shard_of(label);
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.index.find(label); at != shard.index.end()) {
        Entry& entry = *at->second;
        entry.remembered = now >= entry.expires ? remembered : join(entry.remembered, remembered);
        entry.expires = std::max(entry.expires, now + keep);
        shard.entries.splice(shard.entries.begin(), shard.entries, at->second);
        return;
    }
    if (shard.entries.size() >= most_per_shard_) {
        shard.index.erase(shard.entries.back().label);
        shard.entries.pop_back();
    }
    shard.entries.push_front({label, remembered, now + keep});
    shard.index.emplace(label, shard.entries.begin());
}

std::size_t ProcessMemory::size() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        sum += shard.entries.size();
    }
    return sum;
}

}  // namespace sluice::policies
