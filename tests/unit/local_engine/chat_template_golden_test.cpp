// Prompts of published templates as the reference renders them: all of ../shared/chat-templates, and templates of our
// own in tests/data/chat_templates, which need nothing beside the repository.
#include "core/json.hpp"
#include "local_engine/chat_template/chat_template.hpp"
#include "tests/support/read_file.hpp"
#include "tests/support/shared_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::local_engine {
namespace {

using core::Json;
namespace fs = std::filesystem;

// Noon of "2026-11-23", in local time.
std::time_t noon_of(const std::string& date) {
    std::tm day = {};
    day.tm_year = std::stoi(date.substr(0, 4)) - 1900;
    day.tm_mon = std::stoi(date.substr(5, 2)) - 1;
    day.tm_mday = std::stoi(date.substr(8, 2));
    day.tm_hour = 12;
    day.tm_isdst = -1;
    return std::mktime(&day);
}

std::vector<fs::path> goldens_in(const fs::path& folder) {
    std::vector<fs::path> found;
    if (!fs::exists(folder)) return found;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().string().ends_with(".expected.json")) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Returns the number of cases compared.
int compare(const fs::path& path) {
    const Json golden = Json::parse(test::read_file(path));
    const bool built_in = golden.at("template").is_null();
    const std::string source = built_in
                                   ? golden.at("builtin").get<std::string>()
                                   : test::read_file(path.parent_path() / golden.at("template").get<std::string>());
    const auto chat = ChatTemplate::parse(source, golden.at("bos_token").get<std::string>(),
                                          golden.at("eos_token").get<std::string>());
    EXPECT_TRUE(chat) << path.filename() << ": " << core::describe(chat.error());
    if (!chat) return 0;
    int compared = 0;
    for (const Json& item : golden.at("cases")) {
        const auto name = path.filename().string() + " " + item.at("name").get<std::string>();
        const auto text = chat->text(item.at("request"), noon_of(golden.at("rendered_on").get<std::string>()));
        ++compared;
        if (item.contains("error")) {
            EXPECT_FALSE(text) << name;
            continue;
        }
        EXPECT_TRUE(text) << name << ": " << core::describe(text.error());
        if (text) {
            EXPECT_EQ(text->bytes(), item.at("prompt").get<std::string>()) << name;
        }
    }
    return compared;
}

TEST(ChatTemplateGoldens, PublishedTemplatesGiveTheReferencePrompts) {
    const auto goldens = goldens_in(test::shared_file("chat-templates"));
    if (goldens.empty()) GTEST_SKIP() << "no " << test::shared_file("chat-templates");
    int compared = 0;
    for (const fs::path& path : goldens) compared += compare(path);
    EXPECT_GT(compared, 100);
}

TEST(ChatTemplateGoldens, OurOwnTemplatesGiveTheBundledPrompts) {
    const auto goldens = goldens_in(fs::path(SLUICE_SOURCE_DIR) / "tests/data/chat_templates");
    ASSERT_FALSE(goldens.empty());
    int compared = 0;
    for (const fs::path& path : goldens) compared += compare(path);
    EXPECT_GE(compared, 8);
}

}  // namespace
}  // namespace sluice::local_engine
