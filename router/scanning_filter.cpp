#include "router/scanning_filter.hpp"

#include "core/json.hpp"
#include "policies/sensitivity/graphemes.hpp"

#include <utility>

namespace sluice::router {

using core::Json;

std::string ScanningFilter::feed(std::string_view piece) {
    if (policy_.responses == policies::ResponseScan::Flag) {
        if (text_.size() + piece.size() <= kMostBytes) text_.append(piece);
        return std::string{piece};
    }
    text_.append(piece);
    if (kind_ == TextKind::Json) return {};
    std::size_t end = text_.rfind('\n');
    if (end != std::string::npos) {
        ++end;
    } else {
        if (text_.size() < kWindow + kOverlap) return {};
        end = text_.rfind(' ', text_.size() - kOverlap);
        if (end == std::string::npos || end == 0) end = text_.size() - kOverlap;
        while (end > 0 && (static_cast<unsigned char>(text_[end]) & 0xc0U) == 0x80U) --end;
    }
    std::string out = text_.substr(0, end);
    text_.erase(0, end);
    return look(std::move(out));
}

std::string ScanningFilter::finish() {
    std::string rest = std::exchange(text_, {});
    if (rest.empty()) return {};
    std::string looked = kind_ == TextKind::Json ? look_at_arguments(std::move(rest)) : look(std::move(rest));
    return policy_.responses == policies::ResponseScan::Flag ? std::string{} : looked;
}

std::string ScanningFilter::look(std::string text) {
    std::string out;
    std::size_t done = 0;
    for (auto& finding : classifier_.scan(text, &policy_.findings)) {
        if (policy_.action(finding.data_class) == core::Action::Cloud) continue;
        const auto range = policies::whole_graphemes(text, {finding.begin, finding.end});
        if (range.end <= done) continue;  // inside of an earlier one
        if (range.begin > done) out.append(text, done, range.begin - done);
        out += "[" + finding.type + "]";
        done = range.end;
        finding.part = "/choices";
        if (findings_.size() < kMostFindings) findings_.push_back(std::move(finding));
    }
    out.append(text, done);
    return out;
}

std::string ScanningFilter::look_at_arguments(std::string text) {
    auto json = core::parse_json(text);
    if (!json || !json->is_structured()) return look(std::move(text));
    const std::size_t before = findings_.size();
    look_inside(*json);
    return findings_.size() == before ? text : core::dump_json(*json);
}

void ScanningFilter::look_inside(Json& value) {
    if (value.is_string()) value = look(value.get<std::string>());
    else if (value.is_number()) {
        std::string number = value.dump();
        if (std::string looked = look(number); looked != number) value = std::move(looked);
    } else if (value.is_structured()) {
        for (auto& element : value) look_inside(element);
    }
}

}  // namespace sluice::router
