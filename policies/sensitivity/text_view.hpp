// A reading of a text that undoes a disguise, with the way back to the original bytes. Detectors scan views; findings
// are reported in the original. To add a disguise, add a function that fills a view (folded() is the example): nothing
// else changes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

class TextView {
public:
    std::string_view text() const { return text_; }
    // The original bytes that `begin..end` of text() was read from; begin < end <= text().size().
    std::size_t original_begin(std::size_t begin) const;
    std::size_t original_end(std::size_t end) const;

private:
    friend std::optional<TextView> folded(std::string_view original);

    // From `at` of the view on, bytes were read from `original` on, one from one, until the next run.
    struct Run {
        std::size_t at;
        std::size_t original;
        std::size_t original_size;  // of the character a run of one byte stands for; 0: as many as the run has
    };
    const Run& run_of(std::size_t at) const;

    std::string text_;
    std::vector<Run> runs_;
};

// Without invisible characters; digits, letters, spaces and dashes of other scripts and widths as ASCII ones.
// Nothing when that changes nothing, which is known after one look when the text is ASCII.
std::optional<TextView> folded(std::string_view original);

}  // namespace sluice::policies
