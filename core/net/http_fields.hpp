// Fields of a parsed HTTP header, by Beast's number for the name: what is looked for is known to it, and a header has few.
#pragma once

#include <boost/beast/http/field.hpp>

#include <string_view>

namespace sluice::core {

// The value of the first field of that name; empty when there is none.
template <class Fields>
std::string_view field_of(const Fields& fields, boost::beast::http::field name) {
    for (const auto& field : fields)
        if (field.name() == name) return {field.value().data(), field.value().size()};
    return {};
}

}  // namespace sluice::core
