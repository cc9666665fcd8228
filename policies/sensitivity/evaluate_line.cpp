#include "policies/sensitivity/evaluate_line.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::policies {

namespace {

// Byte offset -> code points before it, asked for in any order.
class CodePoints {
public:
    explicit CodePoints(std::string_view text) {
        before_.reserve(text.size() + 1);
        std::size_t count = 0;
        for (const char c : text) {
            before_.push_back(count);
            if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) ++count;
        }
        before_.push_back(count);
    }
    std::size_t at(std::size_t byte) const { return before_[std::min(byte, before_.size() - 1)]; }

private:
    std::vector<std::size_t> before_;
};

core::Json failure(const std::string& what) {
    return core::Json{{"error", what}};
}

}  // namespace

core::Json evaluate(const Classifier& classifier, const core::Json& row, const FindingRules* rules) {
    if (!row.is_object()) return failure("a line must be an object");
    const auto text = row.find("text");
    if (text == row.end() || !text->is_string()) return failure("text is required and must be a string");
    const auto& content = text->get_ref<const std::string&>();

    const auto before = std::chrono::steady_clock::now();
    const auto findings = classifier.scan(content, rules);
    const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - before;

    const CodePoints code_points{content};
    auto data_class = core::DataClass::Public;
    core::Json list = core::Json::array();
    for (const auto& finding : findings) {
        data_class = core::join(data_class, finding.data_class);
        list.push_back({{"type", finding.type},
                        {"start", code_points.at(finding.begin)},
                        {"end", code_points.at(finding.end)},
                        {"score", finding.score},
                        {"detector", finding.detector}});
    }
    core::Json out = core::Json::object();
    if (const auto id = row.find("id"); id != row.end()) out["id"] = *id;
    out["sensitive"] = data_class > core::DataClass::Public;
    out["data_class"] = core::to_string(data_class);
    out["findings"] = std::move(list);
    out["elapsed_us"] = elapsed.count();
    return out;
}

std::string evaluate_line(const Classifier& classifier, std::string_view line, const FindingRules* rules) {
    const auto row = core::parse_json(line);
    return core::dump_json(row ? evaluate(classifier, *row, rules) : failure(core::describe(row.error())));
}

}  // namespace sluice::policies
