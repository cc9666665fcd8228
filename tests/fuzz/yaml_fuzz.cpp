// Any bytes as a price list: a catalogue that holds together, or an error of the one kind a wrong file has.
#include "policies/catalogue.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto catalogue = policies::Catalogue::from_yaml({reinterpret_cast<const char*>(data), size});
    if (!catalogue) {
        if (catalogue.error().code != core::Errc::InvalidRequest || catalogue.error().detail.empty()) std::abort();
        return 0;
    }
    for (const auto& entry : catalogue->entries()) {
        if (catalogue->find(entry.name) == nullptr) std::abort();
        const core::Usage usage{.prompt = 1000, .completion = 500, .cached = 300, .reasoning = 200};
        if (policies::charge(entry, usage) > policies::worst_case(entry, 1000, 500, 1)) std::abort();
        (void)catalogue->near_names(entry.model);
    }
    return 0;
}
