// Runs commands of `sluice` in memory, with a data directory of its own.
#pragma once

#include "gateway/cli/command.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::gateway::cli {

struct Ran {
    int code = 0;
    std::string out;
    std::string error;
    core::Json json() const { return core::parse_json(out).value(); }
};

class CliTest : public ::testing::Test {
protected:
    CliTest() {
        std::string pattern = (std::filesystem::path(::testing::TempDir()) / "sluice-cli-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
    }
    ~CliTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    Ran run(std::vector<std::string> words, const std::string& input = "") {
        std::istringstream in(input);
        std::ostringstream out;
        std::ostringstream error;
        Program program{.console = {in, out, error}, .serve = [this](const Config& config) {
                            served_ = config;
                            return 0;
                        }};
        const int code = cli::run(words, program);
        return {code, out.str(), error.str()};
    }
    // The same with --data.
    Ran run_here(std::vector<std::string> words, const std::string& input = "") {
        words.insert(words.end(), {"--data", data().string()});
        return run(std::move(words), input);
    }

    std::filesystem::path data() const { return directory_ / "data"; }

    std::filesystem::path directory_;
    std::optional<Config> served_;  // what the last `serve` was given
};

}  // namespace sluice::gateway::cli
