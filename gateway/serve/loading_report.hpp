// What the operator sees of a model that is being read: a line that is rewritten on a terminal, elsewhere the log says
// every tenth. A model that is there within a moment is not worth a word.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::gateway {

class LoadingReport {
public:
    explicit LoadingReport(std::string name);
    ~LoadingReport();  // ends the line
    LoadingReport(const LoadingReport&) = delete;
    LoadingReport& operator=(const LoadingReport&) = delete;

    // Whether there is news: another percent of a file that takes longer than a moment.
    bool tell(std::uint64_t bytes, std::uint64_t total);

private:
    const std::string name_;
    const bool terminal_;
    std::uint64_t percent_ = UINT64_MAX;
    std::uint64_t tenth_ = UINT64_MAX;
};

}  // namespace sluice::gateway
