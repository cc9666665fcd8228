// Whether bytes hold a canary: as it is, folded (letters and digits only, in any script and width, without what is
// invisible), or behind the usual encodings, two deep.
#pragma once

#include <string>
#include <string_view>

namespace sluice::testing {

// Letters and digits of `text` in lower case ASCII where they have one; everything else is left out.
std::string bare(std::string_view text);

class LeakCheck {
public:
    // `bytes`: what was recorded. Decoded once, so that many canaries can be looked for.
    explicit LeakCheck(std::string_view bytes);
    // The canary's value; short remains of it do not count.
    bool holds(std::string_view value) const;

private:
    void add(std::string_view bytes, int depth);
    std::string raw_;  // all readings, one after another
    std::string bare_;
};

}  // namespace sluice::testing
