// A key that turns into text where text is wanted.
// must say: (conversion from|no viable conversion|cannot convert).*Secret
#include "core/secret.hpp"

using namespace sluice;

std::string_view text_of(const core::Secret& secret) {
#ifdef MUST_FAIL
    const std::string_view text = secret;
#else
    const std::string_view text = secret.expose();
#endif
    return text;
}
