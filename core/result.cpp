#include "core/result.hpp"

#include <stdexcept>

namespace sluice::core {

std::string describe(const Error& error) {
    return error.field.empty() ? error.detail : error.field + ": " + error.detail;
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::runtime_error(describe(error));
}

}  // namespace sluice::core
