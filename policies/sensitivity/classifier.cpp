#include "policies/sensitivity/classifier.hpp"

#include "policies/sensitivity/conversation.hpp"
#include "policies/sensitivity/detectors.hpp"
#include "policies/sensitivity/readings.hpp"
#include "policies/sensitivity/text_parts.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluice::policies {

namespace {

struct ScoredHit {
    Hit hit;
    std::optional<core::DataClass> data_class;  // of a dictionary term; otherwise the type's
};

// Two views of a text often find the same thing: of overlapping hits of one type the first stays.
void drop_doubles(std::vector<ScoredHit>& hits) {
    const auto by_type = [](const ScoredHit& a, const ScoredHit& b) {
        if (a.hit.type.data() == b.hit.type.data()) return a.hit.begin < b.hit.begin;  // the same literal
        return a.hit.type != b.hit.type ? a.hit.type < b.hit.type : a.hit.begin < b.hit.begin;
    };
    if (!std::ranges::is_sorted(hits, by_type)) std::ranges::stable_sort(hits, by_type);  // mostly one type, in order
    const auto same = [](const ScoredHit& kept, const ScoredHit& next) {
        return kept.hit.type == next.hit.type && next.hit.begin < kept.hit.end;
    };
    hits.erase(std::unique(hits.begin(), hits.end(), same), hits.end());
}

// Names and values of the protocol itself, which most texts of a request are. They say nothing; but an organization may
// have one of them as a word of its own.
bool is_protocol_word(std::string_view text) {
    static constexpr std::array kWords{std::string_view{"arguments"}, std::string_view{"assistant"},  std::string_view{"auto"},        std::string_view{"content"},
                                std::string_view{"description"}, std::string_view{"developer"}, std::string_view{"enum"},       std::string_view{"function"},
                                std::string_view{"id"},        std::string_view{"include_usage"}, std::string_view{"max_completion_tokens"}, std::string_view{"max_tokens"},
                                std::string_view{"messages"},  std::string_view{"metadata"},   std::string_view{"model"},       std::string_view{"n"},
                                std::string_view{"name"},      std::string_view{"none"},       std::string_view{"object"},      std::string_view{"parameters"},
                                std::string_view{"properties"}, std::string_view{"required"},  std::string_view{"role"},        std::string_view{"seed"},
                                std::string_view{"stop"},      std::string_view{"stream"},     std::string_view{"stream_options"}, std::string_view{"string"},
                                std::string_view{"system"},    std::string_view{"temperature"}, std::string_view{"text"},       std::string_view{"tool"},
                                std::string_view{"tool_call_id"}, std::string_view{"tool_calls"}, std::string_view{"tool_choice"}, std::string_view{"tools"},
                                std::string_view{"top_p"},     std::string_view{"type"},       std::string_view{"user"}};
    // Words of each length, one behind the other.
    constexpr std::size_t kLongest = 21;
    struct BySize {
        std::array<std::string_view, kWords.size()> words{};
        std::array<std::uint8_t, kLongest + 2> first{};
    };
    static constexpr BySize kBySize = [] {
        BySize out;
        std::size_t count = 0;
        for (std::size_t size = 0; size <= kLongest; ++size) {
            out.first[size] = static_cast<std::uint8_t>(count);
            for (const auto word : kWords)
                if (word.size() == size) out.words[count++] = word;
        }
        out.first[kLongest + 1] = static_cast<std::uint8_t>(count);
        return out;
    }();
    static_assert(kBySize.first.back() == kWords.size());
    if (text.empty() || text.size() > kLongest) return false;
    for (std::size_t i = kBySize.first[text.size()]; i < kBySize.first[text.size() + 1]; ++i)
        if (kBySize.words[i][0] == text[0] && kBySize.words[i] == text) return true;
    return false;
}

// Members that every request has and whose names say nothing of what is in them.
bool says_nothing(std::string_view key) {
    return key == "content" || key == "role" || key == "model" || key == "text";
}

std::set<std::string, std::less<>> never_leaving_types(const std::vector<OwnPattern>& patterns) {
    std::set<std::string, std::less<>> types;
    for (const auto& pattern : patterns)
        if (pattern.never_leaves) types.insert(pattern.type());
    return types;
}

}  // namespace

// The findings and the class of one request while it is read. Its buffers are used again for every text.
class Classifier::Judgement {
public:
    Judgement(const Classifier& classifier, const FindingRules* rules) : classifier_(classifier), rules_(rules) {}

    void read(const TextPlace& place, std::string_view text) {
        hits_.clear();
        if (is_protocol_word(text) && classifier_.patterns_.empty()) {
            find_terms(text);
        } else {
            const auto key = place.key();
            scan(text, says_nothing(key) ? std::string_view{} : key);
        }
        if (hits_.empty()) return;
        const auto begin_of = [](const ScoredHit& scored) { return scored.hit.begin; };
        if (!std::ranges::is_sorted(hits_, {}, begin_of)) std::ranges::stable_sort(hits_, {}, begin_of);
        for (const auto& scored : hits_) keep(scored, place);
    }

    // Things that say little alone: a person's health (never leaves), three different facts about a person.
    void combine() {
        if (health_ && person_) raise(core::DataClass::Restricted, "combination:health");
        if (facts_.size() >= 3) raise(core::DataClass::Restricted, "combination:person");
    }

    // Values split over the user's messages.
    void read_turns(const core::Json& body) {
        const auto messages = body.find("messages");
        if (messages == body.end() || !messages->is_array() || messages->empty()) return;
        std::vector<Turn> said;
        std::size_t i = 0;
        for (const auto& message : *messages) {
            const std::size_t index = i++;
            if (!message.is_object()) continue;
            const auto role = message.find("role");
            if (role == message.end() || !role->is_string() || role->get_ref<const std::string&>() != "user") continue;
            const auto content = message.find("content");
            if (content == message.end()) continue;
            if (content->is_string()) said.push_back({content->get_ref<const std::string&>(), index, Turn::kWhole});
            else if (content->is_array()) add_text_parts(*content, index, said);
        }
        if (said.size() < 2) return;
        std::vector<std::string_view> turns;
        for (const Turn& turn : said) turns.push_back(turn.text);
        for_each_split(turns, [&](const Hit& hit, std::size_t turn) { keep({hit, hit.data_class}, said[turn].place()); });
    }

    core::DataClass data_class() const { return data_class_; }
    const std::string& reason() const { return reason_; }
    std::vector<core::Finding> take_findings() { return std::move(findings_); }

private:
    // What a user said, and where it stands.
    struct Turn {
        static constexpr std::size_t kWhole = std::string_view::npos;
        std::string_view text;
        std::size_t message;
        std::size_t part;  // kWhole: the message is one text

        TextPlace place() const { return part == kWhole ? TextPlace::of_content(message) : TextPlace::of_part(message, part); }
    };

    // The text parts of a message made of parts: each of them may go on with what the one before began.
    static void add_text_parts(const core::Json& parts, std::size_t message, std::vector<Turn>& turns) {
        std::size_t i = 0;
        for (const auto& part : parts) {
            const std::size_t index = i++;
            if (!part.is_object()) continue;
            const auto text = part.find("text");
            if (text == part.end() || !text->is_string()) continue;
            turns.push_back({text->get_ref<const std::string&>(), message, index});
        }
    }

    // Calls found(hit, turn) for each turn's part of a value that is split over several.
    template <class Found>
    void for_each_split(const std::vector<std::string_view>& turns, const Found& found) {
        if (turns.size() < 2) return;
        if (turns.size() > kMostTurns) raise(core::DataClass::Restricted, "bound:turns");
        const auto terms = classifier_.dictionary_.empty() ? Terms::None : Terms::Some;
        const auto splits = split_findings(turns, terms, [this](std::string_view joined, Joined kind, std::vector<Hit>& hits) { scan_joined(joined, kind, hits); });
        for (const SplitFinding& split : splits)
            for (const TurnPart& part : split.parts) {
                Hit hit = split.hit;
                hit.begin = part.begin;
                hit.end = part.end;
                found(hit, part.turn);
            }
    }

    void scan_joined(std::string_view text, Joined kind, std::vector<Hit>& hits) {
        const auto add_terms = [&](std::string_view reading) {
            terms_.clear();
            classifier_.dictionary_.find(reading, terms_);
        };
        const auto of_term = [](const Dictionary::Match& term) { return Hit{"ORG_TERM", term.begin, term.end, 0.95, "dictionary", term.data_class}; };
        if (kind == Joined::Words) {
            add_terms(text);
            for (const auto& term : terms_)
                if (const Hit hit = of_term(term); counts(hit, text)) hits.push_back(hit);
            return;
        }
        (void)for_each_reading(text, {}, ReadingLimits{}, [&](std::string_view reading, std::vector<Hit>& found, const auto& to_original) {
            add_terms(reading);
            for (const auto& term : terms_) found.push_back(of_term(term));
            for (Hit hit : found) {
                if (!counts(hit, reading)) continue;
                to_original(hit);
                hits.push_back(hit);
            }
        });
    }

    void find_terms(std::string_view text) {
        terms_.clear();
        classifier_.dictionary_.find(text, terms_);
        for (const auto& term : terms_)
            if (const Hit hit{"ORG_TERM", term.begin, term.end, 0.95, "dictionary", {}}; counts(hit, text)) hits_.push_back({hit, term.data_class});
    }

    void scan(std::string_view text, std::string_view key) {
        TextSigns signs;
        const Bound bound = for_each_reading(text, key, ReadingLimits{}, [&](std::string_view reading, std::vector<Hit>& found, const auto& to_original) {
            terms_.clear();
            classifier_.dictionary_.find(reading, terms_);
            const auto take = [&](Hit hit, std::optional<core::DataClass> data_class) {
                if (!counts(hit, reading)) return;
                to_original(hit);
                hits_.push_back({hit, data_class});
            };
            for (const Hit& hit : found) take(hit, std::nullopt);
            own_.clear();
            if (!classifier_.patterns_.find(reading, key, own_)) raise(core::DataClass::Restricted, "bound:pattern matches");
            for (const auto& own : own_) take(own.hit, own.data_class);
            for (const auto& term : terms_) take({"ORG_TERM", term.begin, term.end, 0.95, "dictionary"}, term.data_class);
        }, &signs);
        if (signs.turns) read_transcript(text);
        if (!bound.empty()) raise(core::DataClass::Restricted, "bound:" + std::string{bound});
        if (hits_.size() > 1) drop_doubles(hits_);
    }

    // Both halves of a value that a transcript's turns were to hide.
    void read_transcript(std::string_view text) {
        const auto turns = user_turns(text);
        const auto offset = [&](std::size_t turn) { return static_cast<std::size_t>(turns[turn].data() - text.data()); };
        for_each_split(turns, [&](Hit hit, std::size_t turn) {
            hit.begin += offset(turn);
            hit.end += offset(turn);
            hits_.push_back({hit, hit.data_class});
        });
    }

    // Whether its score counts. What a rule made silent still tells whose diagnosis it is: rules quieten false alarms, they
    // do not let a patient's name and illness out.
    bool enough(const Hit& hit) {
        if (classifier_.filter_.enough(hit.type, hit.score, rules_)) return true;
        const bool all = (rules_ != nullptr && rules_->including_s4) || classifier_.config_.rules.including_s4;
        if (hit.score >= classifier_.config_.cut && !all) note_person(hit);
        return false;
    }

    // Its score does, and nobody allowed what it found; `hit` lies in `text`.
    bool counts(const Hit& hit, std::string_view text) {
        return enough(hit) && !classifier_.filter_.allowed(hit.type, text.substr(hit.begin, hit.end - hit.begin));
    }

    void raise(core::DataClass to, std::string why) {
        if (data_class_ >= to) return;
        data_class_ = to;
        reason_ = std::move(why);
    }

    void note_person(const Hit& hit) {
        if (hit.type == "HEALTH_INFO") health_ = true;
        else if (hit.type == "PERSON" || hit.type == "MEDICAL_RECORD" || hit.type == "HEALTH_ID" || hit.type == "NATIONAL_ID" || hit.type == "US_SSN") person_ = true;
    }

    // What a type means; most findings are of the type of the one before.
    struct Meaning {
        std::string_view type;
        int severity = 0;
        core::DataClass data_class = core::DataClass::Public;
    };
    const Meaning& known(std::string_view type) {
        if (type.data() != meaning_.type.data() || type.size() != meaning_.type.size()) meaning_ = {type, severity_of(type), classifier_.class_of(type)};
        return meaning_;
    }

    void note_for_combination(const Hit& hit) {
        note_person(hit);
        const int severity = known(hit.type).severity;
        const bool fact = (severity == 1 || severity == 2) && hit.type != "HEALTH_INFO" && facts_.size() < 3;
        if (fact && std::ranges::find(facts_, hit.type) == facts_.end()) facts_.push_back(hit.type);
    }

    void keep(const ScoredHit& scored, const TextPlace& place) {
        const Hit& hit = scored.hit;
        const core::DataClass found = scored.data_class ? *scored.data_class : known(hit.type).data_class;
        note_for_combination(hit);
        const bool decides = data_class_ < found;
        if (decides) {
            data_class_ = found;
            reason_ = "finding:" + std::string{hit.type};
        }
        const bool full = findings_.size() >= classifier_.config_.most_findings;
        if (full && !decides) return;
        if (full && !findings_.empty()) findings_.pop_back();  // what decides is always on record
        findings_.push_back({.type = std::string{hit.type},
                             .message = place.message(),
                             .part = place.pointer(),
                             .begin = static_cast<std::uint32_t>(hit.begin),
                             .end = static_cast<std::uint32_t>(hit.end),
                             .score = hit.score,
                             .detector = std::string{hit.detector},
                             .data_class = found});
    }

    const Classifier& classifier_;
    const FindingRules* rules_;  // of the team; null: none
    std::vector<core::Finding> findings_;
    bool health_ = false;
    bool person_ = false;
    Meaning meaning_;
    std::vector<std::string_view> facts_;  // types of severity 1 and 2, up to three
    core::DataClass data_class_ = core::DataClass::Public;
    std::string reason_ = "none";
    std::vector<ScoredHit> hits_;
    std::vector<Dictionary::Match> terms_;
    std::vector<OwnPatterns::Match> own_;
};

Classifier::Classifier(SensitivityConfig config)
    : config_(std::move(config)), dictionary_(config_.dictionary), patterns_(config_.patterns), filter_(config_.cut, config_.rules, config_.allow, never_leaving_types(config_.patterns)) {
    config_.dictionary = {};
    config_.patterns = {};
    config_.allow = {};
}

Masking Classifier::masking(std::string_view type) const {
    if (!patterns_.has_type(type)) return masking_of(type);
    return patterns_.never_leaves(type) || masking_of(type) == Masking::Never ? Masking::Never : Masking::Mask;
}

core::DataClass Classifier::class_of(std::string_view type) const {
    if (config_.classes.empty()) return default_class(type);
    const auto set = config_.classes.find(type);
    return set == config_.classes.end() ? default_class(type) : set->second;
}

core::Classified Classifier::classify(std::shared_ptr<const core::ChatRequest> request,
                                      const ClassifyContext& context) const noexcept {
    try {
        if (!request) throw std::invalid_argument{"nothing to judge"};
        Judgement judgement{*this, context.rules};
        for_each_text(request->body(),
                      [&](const TextPlace& place, std::string_view text) { judgement.read(place, text); });
        judgement.read_turns(request->body());
        judgement.combine();
        core::DataClass data_class = judgement.data_class();
        std::string reason = judgement.reason();
        const auto raise = [&](core::DataClass to, const char* why) {
            if (data_class < to) reason = why;
            data_class = core::join(data_class, to);
        };
        if (request->has_attachments()) raise(context.attachments, "attachment");
        if (context.declared) raise(*context.declared, "declared");
        raise(context.conversation, "conversation");
        raise(context.floor, "team floor");
        return core::Classified{std::move(request), data_class, judgement.take_findings(), std::move(reason)};
    } catch (...) {
        // Out of memory, most likely: a reason that needs memory may fail as well.
        std::string reason;
        try {
            reason = "classifier failure";
        } catch (...) {
        }
        return core::Classified{std::move(request), core::DataClass::Restricted, {}, std::move(reason)};
    }
}

std::vector<core::Finding> Classifier::scan(std::string_view text, const FindingRules* rules) const {
    Judgement judgement{*this, rules};
    judgement.read(TextPlace{}, text);
    return judgement.take_findings();
}

}  // namespace sluice::policies
