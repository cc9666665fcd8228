// Any bytes as a configuration file: reading ends with values or with problems, and every problem of a key names it.
// The map read here has a key of each kind, under names short enough for a fuzzer to find.
#include "gateway/config/section.hpp"
#include "gateway/config/values.hpp"
#include "gateway/config/yaml_document.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sluice;
using namespace sluice::gateway;
using namespace std::chrono_literals;

namespace {

struct Values {
    std::string text;
    std::filesystem::path path;
    core::Secret secret;
    bool flag = false;
    core::Price price;
    HostPort address;
    std::vector<std::string> texts;
    int integer = 5;
    double number = 0.5;
    std::size_t bytes = 64;
    std::chrono::seconds duration{5};
};

void read(Section& section, Values& values, int depth) {
    section.text("t", values.text);
    section.path("f", values.path);
    section.secret("s", values.secret);
    section.flag("b", values.flag);
    section.price("p", values.price);
    section.listen_address("a", values.address);
    section.texts("l", values.texts);
    section.integer("i", values.integer, 1, 10);
    section.number("n", values.number, 0, 1);
    section.bytes("z", values.bytes, 16, 1024);
    section.duration("d", values.duration, 1s, 10s);
    section.values("v", [](const std::string&, const std::string& value) -> std::optional<std::string> {
        return value.empty() ? std::optional<std::string>("something") : std::nullopt;
    });
    if (depth == 0) return;
    section.section("m", [&](Section& nested) { read(nested, values, depth - 1); });
    section.list("q", [&](Section& nested) { read(nested, values, depth - 1); });
    section.named("k", [&](const std::string&, Section& nested) { read(nested, values, depth - 1); });
}

void check(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto document = parse_yaml(bytes);
    if (!document) {
        check(!document.error().detail.empty());
        return 0;
    }
    const Environment environment = [](const std::string& name) -> std::optional<std::string> {
        return name.size() > 3 ? std::nullopt : std::optional(name + "${X}");
    };
    ReadContext context{environment};
    Section root(context, document->root, "", "");
    Values values;
    read(root, values, 2);
    root.finish();
    for (const core::Error& problem : context.problems) check(!problem.detail.empty());
    check(values.integer >= 1 && values.integer <= 10);
    check(values.number >= 0 && values.number <= 1);
    check(values.bytes >= 16 && values.bytes <= 1024);
    check(values.duration >= 1s && values.duration <= 10s);
    return 0;
}
