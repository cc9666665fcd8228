// How long judging takes: a chat body of 400 bytes, and a megabyte each of the texts that are worst for one scanner.
//   bench_sensitivity            prints a table
//   bench_sensitivity --jsonl [DICTIONARY.json]   classifies lines of standard input, for an evaluator
#include "policies/sensitivity/classifier.hpp"
#include "policies/sensitivity/evaluate_line.hpp"

#include <ctime>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

namespace {

using namespace sluice;

// {"ORG_TERM": ["Project Bluefin", ...]}
policies::SensitivityConfig read_dictionary(const char* path) {
    policies::SensitivityConfig config;
    std::ifstream file{path};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto json = core::parse_json(text);
    if (!json) throw std::runtime_error{core::describe(json.error())};
    for (const auto& [type, terms] : json->items())
        for (const auto& term : terms)
            config.dictionary.push_back({term.get<std::string>(), core::DataClass::Confidential});
    return config;
}

int classify_lines(policies::SensitivityConfig config) {
    const policies::Classifier classifier{std::move(config)};
    for (std::string line; std::getline(std::cin, line);)
        std::cout << policies::evaluate_line(classifier, line) << std::endl;
    return 0;
}

std::string repeated(std::string_view piece, std::size_t size) {
    std::string out;
    while (out.size() < size) out += piece;
    out.resize(size);
    return out;
}

template <class Work>
double microseconds(int rounds, const Work& work) {
    const std::clock_t before = std::clock();  // processor time: the machine may be busy
    for (int i = 0; i < rounds; ++i) work();
    return 1e6 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC / rounds;
}

void bench_request(const policies::Classifier& classifier) {
    const std::string words =
        "Please summarise the attached notes in three short points and suggest a title for the meeting. ";
    core::Json body = {{"model", "deepseek-chat"},
                       {"messages",
                        {{{"role", "system"}, {"content", "You are a helpful assistant."}},
                         {{"role", "user"}, {"content", repeated(words, 280)}}}},
                       {"max_tokens", 256}};
    const auto size = body.dump().size();
    const auto request =
        std::make_shared<const core::ChatRequest>(std::move(core::ChatRequest::from_json(std::move(body)).value()));
    const double each = microseconds(100'000, [&] { (void)classifier.classify(request, {}); });
    std::printf("chat body of %zu bytes: %.2f us\n", size, each);
}

int bench() {
    const policies::Classifier classifier{{.dictionary = {{"Project Bluefin"}, {"Codename Juniper Vault"}}}};
    bench_request(classifier);
    constexpr std::size_t kMegabyte = 1U << 20U;
    for (const std::string_view piece : {"The quick brown fox jumps over the lazy dog. ",
                                         "1 ", "411 ", 
                                         "4 ",
                                         "1234567 ",
                                         "4111111111111111 ",
                                         "(212)",
                                         "+1",
                                         "a@",
                                         "a.b@c.",
                                         "@a.bb.cc.dd",
                                         "GB00 ",
                                         "password=",
                                         "password is ",
                                         "token: x",
                                         "://a:",
                                         "-----BEGIN PRIVATE KEY-----",
                                         "eyJ",
                                         "eyJhbGci.",
                                         "xoxb-",
                                         "sk-",
                                         "Bearer ",
                                         "Basic aaaa",
                                         "=",
                                         ":",
                                         "\\n",
                                         "\xc2\xa0",
                                         "\xef\xbc\x94",
                                         "project bluefin ",
                                         "project ",
                                         "AKIAIOSFODNN7EXAMPLE ",
                                         "AKIAQWERTYUIOP234567 abcd",
                                         "<password>",
                                         "~"}) {
        const std::string text = repeated(piece, kMegabyte);
        const double each = microseconds(3, [&] { (void)classifier.scan(text); });
        std::printf("1 MiB of %-48.*s %8.2f ms\n", static_cast<int>(piece.size()), piece.data(), each / 1000);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view{argv[1]} == "--jsonl")
        return classify_lines(argc > 2 ? read_dictionary(argv[2]) : policies::SensitivityConfig{});
    return bench();
}
