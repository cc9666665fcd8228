#include "policies/sensitivity/readings.hpp"

#include "policies/sensitivity/text_view.hpp"

namespace sluice::policies {

namespace {

class Reader {
public:
    Reader(std::string_view key, const ReadingLimits& limits, const SeeReading& see) : key_(key), limits_(limits), see_(see) {}

    Bound read(std::string_view text, TextSigns* first) {
        first_size_ = text.size();
        const TextSigns signs = scan(text);
        if (first != nullptr) *first = signs;
        if (signs.plain()) return bound_;
        leaves(text, signs);
        deeper(text, signs, 0);
        return bound_;
    }

private:
    TextSigns scan(std::string_view text) {
        hits_.clear();
        const TextSigns signs = scan_text(text, key_, hits_);
        if (hits_.size() > limits_.hits) bound_ = "findings";
        see_(text, hits_, [this](Hit& hit) {
            for (auto view = views_.rbegin(); view != views_.rend(); ++view) {
                const std::size_t end = (*view)->original_end(hit.end);
                hit.begin = (*view)->original_begin(hit.begin);
                hit.end = end;
            }
        });
        return signs;
    }

    bool take(const std::optional<TextView>& view) {
        if (!view) return false;
        spent_ += view->text().size();
        if (spent_ > limits_.decoded_bytes + 8 * first_size_) {
            bound_ = "decoded bytes";
            return false;
        }
        views_.push_back(&*view);
        return true;
    }

    // Readings that undo a disguise no other disguise is looked for in.
    void leaves(std::string_view text, const TextSigns& signs) {
        if (signs.apart) {
            const auto view = joined(text);
            if (take(view)) scan(view->text()), views_.pop_back();
        }
        if (signs.spoken_marks) {
            const auto view = spoken(text);
            if (take(view)) scan(view->text()), views_.pop_back();
        }
        if (signs.spelled_digits) {
            const auto view = spelled(text);
            if (take(view)) scan(view->text()), views_.pop_back();
        }
    }

    // One layer of encodings off: characters, then escapes, then encoded runs.
    void deeper(std::string_view text, const TextSigns& signs, int depth) {
        if (!(signs.other_characters || signs.escapes || signs.encoded)) return;
        if (depth == limits_.depth) {
            bound_ = depth_bound(text, signs) ? "encoding depth" : bound_;
            return;
        }
        const std::size_t before = views_.size();
        TextSigns next;
        // Each layer is read before the next one comes off: a token under invisible characters is itself base64.
        const auto layer = [&](const std::optional<TextView>& view) {
            if (!take(view)) return;
            text = view->text();
            next = scan(text);
            leaves(text, next);
        };
        const auto plain = signs.other_characters ? folded(text) : std::nullopt;
        layer(plain);
        const auto characters = signs.escapes ? unescaped(text) : std::nullopt;
        layer(characters);
        const auto bytes = decoded_of(text, signs);
        layer(bytes);
        if (views_.size() > before) deeper(text, next, depth + 1);
        views_.resize(before);
    }

    static std::optional<TextView> decoded_of(std::string_view text, const TextSigns& signs) {
        return signs.encoded || signs.escapes || signs.other_characters ? decoded(text) : std::nullopt;
    }
    static bool depth_bound(std::string_view text, const TextSigns& signs) {
        return (signs.escapes && unescaped(text)) || (signs.encoded && decoded(text));
    }

    const std::string_view key_;
    const ReadingLimits& limits_;
    const SeeReading& see_;
    std::vector<Hit> hits_;
    std::vector<const TextView*> views_;
    std::size_t spent_ = 0;
    std::size_t first_size_ = 0;
    Bound bound_;
};

}  // namespace

Bound for_each_reading(std::string_view text, std::string_view key, const ReadingLimits& limits, const SeeReading& see, TextSigns* signs) {
    return Reader{key, limits, see}.read(text, signs);
}

}  // namespace sluice::policies
