// Checks that a pattern of the organization's own may ask for by name: of digits, of letters and digits, or of one kind of
// identifier (id_rules.hpp). Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::policies {

class Validator {
public:
    // "luhn", "verhoeff", "mod11_10", "mod97", "iban", or the name of an identifier in small letters: "us_npi", "fr_nir".
    static std::optional<Validator> named(std::string_view name);
    // All names, separated by ", ".
    static std::string names();

    // Of the value as it stands in the text: spaces, dashes, dots and slashes are left out, letters count as capitals.
    bool passes(std::string_view value) const;

private:
    using Check = bool (*)(std::string_view compact);
    Check check_ = nullptr;    // null: an identifier
    std::string_view rule_;    // its name in id_rules()
};

}  // namespace sluice::policies
