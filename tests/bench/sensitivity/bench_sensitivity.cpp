// How long judging takes: a chat body of 400 bytes; prompts of two kilobytes and chats of ten turns, each one a call that is
// timed alone, beside what the same bytes cost to be read once and to be parsed; and a megabyte each of the texts that are
// worst for one scanner.
//   bench_sensitivity            prints tables
//   bench_sensitivity --piece TEXT [SCANS]        scans a megabyte of it, for counting instructions
//   bench_sensitivity --jsonl [DICTIONARY.json]   classifies lines of standard input, for an evaluator
#include "policies/sensitivity/classifier.hpp"
#include "policies/sensitivity/evaluate_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

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

// Prompts as people write them, each another one: a call that is repeated teaches the processor its branches.
class Prompts {
public:
    // With `values`, one in twelve sentences holds something to be found.
    explicit Prompts(bool values) : values_(values) {}

    std::string text(std::size_t size) {
        static constexpr std::array kSentences{
            "Please summarise the attached notes in three short points and suggest a title for the meeting.",
            "The build of 2024-11-05 failed on host ci-runner-17.internal after 12 min 4 s, see step 3 of 9.",
            "Version 4.18.2 is 14% faster than 4.17, and uses 310 MB instead of 420 MB at the same load.",
            "Rewrite this paragraph so that a twelve-year-old understands it, and keep the two examples.",
            "In Berlin and Madrid the teams asked for a table with columns for region, quarter and growth.",
            "for (const auto& row : rows) { total += row.price * row.count; } // why is the result off by one?",
            "Qu'est-ce que je peux r\xc3\xa9pondre \xc3\xa0 cette lettre, en restant poli mais ferme ?",
            "Order 48213 was shipped on Monday; what would be a fair reply to a customer who still waits?",
            "Bitte fasse die \xc3\x84nderungen zusammen und schlage drei \xc3\x9c" "berschriften vor.",
            "Compare the two drafts below: which one has the clearer argument, and where does it lose its thread?",
            "At 9:30 we start with the numbers, at 11:00 comes the demo, and lunch is from 12:15 to 13:00."};
        static constexpr std::array kValues{"Write to anna.k@firma.de or call +49 30 901820 before noon.", "The card is 4111 1111 1111 1111, valid until 09/27.",
                                            "Her social security number is 219-09-9999."};
        std::string out;
        while (out.size() < size) {
            if (values_ && random_() % 12 == 0) out += kValues[random_() % kValues.size()];
            else out += kSentences[random_() % kSentences.size()];
            out += random_() % 5 == 0 ? '\n' : ' ';
        }
        out.resize(size);
        while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0x80U) != 0) out.pop_back();  // no half of a character
        return out;
    }

private:
    bool values_;
    std::mt19937 random_{1};
};

using Requests = std::vector<std::shared_ptr<const core::ChatRequest>>;

Requests make_requests(bool values, std::size_t turns, std::size_t size_of_turn) {
    Prompts prompts{values};
    Requests out;
    for (int i = 0; i < 256; ++i) {
        core::Json messages = core::Json::array();
        for (std::size_t turn = 0; turn < turns; ++turn)
            messages.push_back({{"role", turn % 2 == 0 ? "user" : "assistant"}, {"content", prompts.text(size_of_turn)}});
        core::Json body = {{"model", "deepseek-chat"}, {"messages", std::move(messages)}};
        out.push_back(std::make_shared<const core::ChatRequest>(std::move(core::ChatRequest::from_json(std::move(body)).value())));
    }
    return out;
}

struct Latency {
    double p50 = 1e9;
    double p99 = 1e9;
};

// Of this thread, in microseconds: on a busy machine the time without a core is no one's to answer for.
double processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

// Of the calls one by one, in microseconds of processor time; of several rounds the one that was disturbed least.
template <class Work>
Latency latency(std::size_t count, const Work& work) {
    constexpr int kRounds = 8;
    Latency best;
    std::vector<double> times(count * 16);
    for (int round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < times.size(); ++i) {
            const double before = processor_time();
            work(i % count);
            times[i] = processor_time() - before;
        }
        std::ranges::sort(times);
        best.p50 = std::min(best.p50, times[times.size() / 2]);
        best.p99 = std::min(best.p99, times[times.size() * 99 / 100]);
    }
    return best;
}

void bench_latency(const policies::Classifier& classifier, const char* name, const Requests& requests) {
    std::vector<std::string> bodies;
    std::size_t bytes = 0;
    for (const auto& request : requests) bytes += bodies.emplace_back(request->body().dump()).size();
    const Latency judged = latency(requests.size(), [&](std::size_t i) { (void)classifier.classify(requests[i], {}); });
    const Latency parsed = latency(bodies.size(), [&](std::size_t i) { (void)core::parse_json(bodies[i]); });
    volatile std::ptrdiff_t lines = 0;
    const Latency read = latency(bodies.size(), [&](std::size_t i) { lines = std::ranges::count(bodies[i], 'q'); });
    std::printf("%-34s %5zu bytes: classify %7.2f / %7.2f us, parse %7.2f / %7.2f us, one plain pass %5.2f / %5.2f us\n", name, bytes / requests.size(), judged.p50, judged.p99,
                parsed.p50, parsed.p99, read.p50, read.p99);
}

int bench() {
    const policies::Classifier classifier{{.dictionary = {{"Project Bluefin"}, {"Codename Juniper Vault"}}}};
    bench_request(classifier);
    std::printf("each call alone, processor time, p50 / p99:\n");
    bench_latency(classifier, "one turn of 2 KB", make_requests(false, 1, 2000));
    bench_latency(classifier, "one turn of 2 KB, with values", make_requests(true, 1, 2000));
    bench_latency(classifier, "ten turns of 200 bytes", make_requests(false, 10, 200));
    bench_latency(classifier, "ten turns of 200 bytes, values", make_requests(true, 10, 200));
    constexpr std::size_t kMegabyte = 1U << 20U;
    for (const std::string_view piece : {"The quick brown fox jumps over the lazy dog. ",
                                         "1 ", "411 ", "411 a ", "1.", "411.", "a ", "a b ", "12 A ", "A1 ", "A1-", "1\xc2\xa0", "$1$", "&a", "KEY=a1b2c3d4e5f6 ",
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

int scan_piece(std::string_view piece, int scans) {
    const policies::Classifier classifier{{}};
    const std::string text = repeated(piece, std::size_t{1} << 20U);
    for (int i = 0; i < scans; ++i) (void)classifier.scan(text);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view{argv[1]} == "--jsonl")
        return classify_lines(argc > 2 ? read_dictionary(argv[2]) : policies::SensitivityConfig{});
    if (argc > 2 && std::string_view{argv[1]} == "--piece") return scan_piece(argv[2], argc > 3 ? std::atoi(argv[3]) : 1);
    return bench();
}
