// The TextFilter that puts the values of a redacted request back into its answer (policies/sensitivity/restore.hpp).
#pragma once

#include "policies/sensitivity/restore.hpp"
#include "router/text_filter.hpp"

namespace sluice::router {

class RestoringFilter final : public TextFilter {
public:
    RestoringFilter(std::shared_ptr<const policies::PlaceholderMap> map, TextKind kind, std::size_t& restored)
        : restorer_(std::move(map), kind == TextKind::Json ? policies::RestoreIn::Json : policies::RestoreIn::Text),
          restored_(restored) {}

    std::string feed(std::string_view piece) override {
        return counted([&] { return restorer_.feed(piece); });
    }
    std::string finish() override {
        return counted([&] { return restorer_.finish(); });
    }

private:
    template <class Step>
    std::string counted(const Step& step) {
        const std::size_t before = restorer_.restored();
        std::string out = step();
        restored_ += restorer_.restored() - before;
        return out;
    }
    policies::Restorer restorer_;
    std::size_t& restored_;
};

// `restored` counts over all texts of an answer and outlives the filters.
inline MakeFilter restoring(std::shared_ptr<const policies::PlaceholderMap> map, std::size_t& restored) {
    return [map = std::move(map), &restored](TextKind kind) {
        return std::make_unique<RestoringFilter>(map, kind, restored);
    };
}

}  // namespace sluice::router
