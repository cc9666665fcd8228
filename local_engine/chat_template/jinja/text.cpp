#include "local_engine/chat_template/jinja/text.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine::jinja {

Text::Text(std::string bytes, Origin origin) : bytes_(std::move(bytes)) {
    if (origin == Origin::Client && !bytes_.empty()) spans_.push_back({0, bytes_.size()});
}

bool Text::client_at(std::size_t byte) const {
    const auto after = std::upper_bound(spans_.begin(), spans_.end(), byte,
                                        [](std::size_t at, const Span& span) { return at < span.end; });
    return after != spans_.end() && after->begin <= byte;
}

void Text::append_span(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (!spans_.empty() && spans_.back().end == begin) spans_.back().end = end;
    else spans_.push_back({begin, end});
}

void Text::append(const Text& other, std::size_t begin, std::size_t end) {
    const std::size_t start = bytes_.size();
    bytes_.append(other.bytes_, begin, end - begin);
    auto span = std::upper_bound(other.spans_.begin(), other.spans_.end(), begin,
                                 [](std::size_t at, const Span& one) { return at < one.end; });
    for (; span != other.spans_.end() && span->begin < end; ++span) {
        append_span(start + std::max(span->begin, begin) - begin, start + std::min(span->end, end) - begin);
    }
}

void Text::append(std::string_view bytes, Origin origin) {
    const std::size_t start = bytes_.size();
    bytes_ += bytes;
    if (origin == Origin::Client) append_span(start, bytes_.size());
}

Text Text::part(std::size_t begin, std::size_t end) const {
    Text out;
    out.append(*this, begin, end);
    return out;
}

std::string Text::template_bytes() const {
    std::string out;
    std::size_t at = 0;
    for (const Span& span : spans_) {
        out.append(bytes_, at, span.begin - at).append("...");
        at = span.end;
    }
    return out.append(bytes_, at);
}

}  // namespace sluice::local_engine::jinja
