// The response scan: what a cloud's answer holds that policy would not have let go there. Flag: the text passes as it
// comes and is looked at when it is complete. Mask: the text passes line by line (or, in a very long line, by about
// kWindow bytes), and a finding leaves as "[EMAIL]"; arguments of tool calls pass when they are complete.
#pragma once

#include "core/finding.hpp"
#include "policies/sensitivity/classifier.hpp"
#include "policies/team_policy.hpp"
#include "router/text_filter.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::router {

class ScanningFilter final : public TextFilter {
public:
    static constexpr std::size_t kMostBytes = std::size_t{4} << 20U;  // kept for the look at the end
    static constexpr std::size_t kMostFindings = 256;                 // recorded per answer
    static constexpr std::size_t kWindow = 4096;
    static constexpr std::size_t kOverlap = 512;  // of a long line: kept back for what may still go on

    // All references outlive this.
    ScanningFilter(const policies::Classifier& classifier, const policies::TeamPolicy& policy, TextKind kind,
                   std::vector<core::Finding>& findings)
        : classifier_(classifier), policy_(policy), kind_(kind), findings_(findings) {}

    std::string feed(std::string_view piece) override;
    std::string finish() override;

private:
    std::string look(std::string text);  // records; with policy mask, masks
    std::string look_at_arguments(std::string text);
    void look_inside(core::Json& value);

    const policies::Classifier& classifier_;
    const policies::TeamPolicy& policy_;
    TextKind kind_;
    std::vector<core::Finding>& findings_;
    std::string text_;
};

inline MakeFilter scanning(const policies::Classifier& classifier, const policies::TeamPolicy& policy,
                           std::vector<core::Finding>& findings) {
    return [&](TextKind kind) { return std::make_unique<ScanningFilter>(classifier, policy, kind, findings); };
}

}  // namespace sluice::router
