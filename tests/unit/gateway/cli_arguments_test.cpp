#include "gateway/cli/arguments.hpp"
#include "gateway/cli/console.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace sluice::gateway::cli {
namespace {

using ::testing::HasSubstr;

const CommandSpec kSpec{.name = "things make",
                        .summary = "Makes things.",
                        .positionals = {{"NAME", "what to call it"}, {"COLOUR", "of it", false}},
                        .options = {{"--size", "BYTES", "how big"}, {"--fast", "", "in a hurry"}}};

core::Result<Arguments> parse(std::vector<std::string> words) {
    return Arguments::parse(kSpec, words);
}
std::string wrong(std::vector<std::string> words) {
    return parse(std::move(words)).error().detail;
}

TEST(Arguments, OptionsStandAnywhereAndTakeValuesBothWays) {
    for (const auto& words : std::vector<std::vector<std::string>>{{"--size", "3", "a", "--fast", "b"},
                                                                   {"a", "b", "--fast", "--size=3"},
                                                                   {"--fast", "--size", "3", "--", "a", "b"}}) {
        const auto arguments = parse(words);
        ASSERT_TRUE(arguments);
        EXPECT_EQ(arguments->get("--size"), "3");
        EXPECT_TRUE(arguments->has("--fast"));
        EXPECT_EQ(arguments->positional(0), "a");
        EXPECT_EQ(arguments->positional(1), "b");
    }
}

TEST(Arguments, ValuesMayBeEmptyOrLookLikeOptions) {
    EXPECT_EQ(parse({"a", "--size="})->get("--size"), "");
    EXPECT_EQ(parse({"a", "--size", "--fast"})->get("--size"), "--fast");
    EXPECT_EQ(parse({"a", "--", "--fast"})->positional(1), "--fast");
    EXPECT_EQ(parse({"-"})->positional(0), "-");
}

TEST(Arguments, ErrorsNameTheArgument) {
    EXPECT_EQ(wrong({}), "missing NAME");
    EXPECT_EQ(wrong({"a", "b", "c"}), "unexpected argument \"c\"");
    EXPECT_EQ(wrong({"a", "--szie", "3"}), "unknown option --szie; did you mean --size?");
    EXPECT_EQ(wrong({"a", "--zebra=1"}), "unknown option --zebra");
    EXPECT_EQ(wrong({"a", "--size"}), "--size needs a value: --size BYTES");
    EXPECT_EQ(wrong({"a", "--fast=yes"}), "--fast takes no value");
    EXPECT_EQ(wrong({"a", "--fast", "--fast"}), "--fast is given twice");
}

TEST(Arguments, HelpIsAlwaysAnswered) {
    EXPECT_TRUE(parse({"--help"})->wants_help());
    EXPECT_TRUE(parse({"-h"})->wants_help());
    EXPECT_FALSE(parse({"a"})->wants_help());
    const std::string text = help_text(kSpec);
    EXPECT_THAT(text, HasSubstr("usage: sluice things make NAME [COLOUR] [options]"));
    EXPECT_THAT(text, HasSubstr("  --size BYTES  how big\n"));
}

TEST(Tables, LineUpAndShowNoControlCharacters) {
    std::ostringstream out;
    print_table(out, {{"NAME"}, {"USD", Align::Right}}, {{"légal", "1.50"}, {"a\x1b[31m\n", "12.00"}}, "none");
    EXPECT_EQ(out.str(), "NAME       USD\nlégal     1.50\na?[31m?  12.00\n");
    std::ostringstream empty;
    print_table(empty, {{"NAME"}}, {}, "none");
    EXPECT_EQ(empty.str(), "none\n");
}

TEST(Tables, NumbersAreGrouped) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(-1234567), "-1,234,567");
    EXPECT_EQ(grouped(-100), "-100");
}

}  // namespace
}  // namespace sluice::gateway::cli
