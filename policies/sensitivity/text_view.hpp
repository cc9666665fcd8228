// A reading of a text that undoes a disguise, with the way back to the original bytes. Detectors scan views; findings
// are reported in the original. To add a disguise, add a function that fills a view (folded() is the example) and a
// line in readings.cpp. Pure functions; any thread. None reads more than it is given or writes more than three bytes
// for one (ligatures), so a view is bounded by its text.
#pragma once

#include <cstddef>
#include <cstdint>
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

    // Filling a view, from front to back: bytes as they are, or bytes that stand for `size` others.
    void copy(std::string_view original, std::size_t at, std::size_t size);
    void replace(std::string_view bytes, std::size_t at, std::size_t size);
    bool changed() const { return changed_; }
    void skip() { changed_ = new_run_ = true; }  // what comes next in the original is left out

private:
    // From `at` of the view on until the next run, each byte stands for `width` bytes of the original, which lie `stride`
    // apart; stride 0: all of them together stand for the same ones.
    struct Run {
        std::size_t at;
        std::size_t original;
        std::uint32_t width;
        std::uint32_t stride;
    };
    bool extend_run(std::size_t at, std::size_t size);
    const Run& run_of(std::size_t at) const;

    std::string text_;
    std::vector<Run> runs_;
    bool new_run_ = true;
    bool changed_ = false;
};

// Without invisible characters; compatibility forms (NFKC), digits, spaces and dashes of all scripts as ASCII; letters
// that look like Latin ones as those, in tokens that hold Latin letters or digits as well.
// Nothing when that changes nothing, which is known after one look when the text is ASCII.
std::optional<TextView> folded(std::string_view original);

// %41, &#65; &amp; \u0041 \x41 and =41 (quoted-printable) decoded. Nothing when there is none.
std::optional<TextView> unescaped(std::string_view original);

// Runs of base64 and hexadecimal that decode to text, decoded in place. Nothing when there is none.
std::optional<TextView> decoded(std::string_view original);

// Numbers and tokens without the tags, emphasis and line breaks inside them; characters written apart, together.
std::optional<TextView> joined(std::string_view original);

// Addresses written for people: "anna (at) example [dot] org", "anna at example dot org".
std::optional<TextView> spoken(std::string_view original);

// Digits written as words as digits, in English and the large European languages.
std::optional<TextView> spelled(std::string_view original);

}  // namespace sluice::policies
