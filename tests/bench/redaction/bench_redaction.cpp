// What masking, restoring and remembering cost: bench_redaction. Each line is the best of five rounds.
#include "policies/sensitivity/conversation_memory.hpp"
#include "policies/sensitivity/redactor.hpp"
#include "router/answer_rewriter.hpp"
#include "router/restoring_filter.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace sluice;
using core::Json;

namespace {

template <class Work>
double microseconds(int times, const Work& work) {
    double best = 1e12;
    for (int round = 0; round < 5; ++round) {
        const auto before = std::chrono::steady_clock::now();
        for (int i = 0; i < times; ++i) work();
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - before;
        best = std::min(best, took.count() / times);
    }
    return best;
}

std::string prompt(std::size_t size) {
    std::string text;
    while (text.size() < size) {
        text += "Please write to anna@berg.net and to bob@berg.net about the order of last week, and say that ";
        text += "it was paid with 4111 1111 1111 1111; whoever reads this should not worry about the rest of it. ";
        text += "There is nothing else to say here, but a prompt of an ordinary length has many ordinary words. ";
    }
    return text.substr(0, size);
}

}  // namespace

int main() {
    const policies::Classifier classifier{policies::SensitivityConfig{}};
    policies::TeamPolicy policy;
    policy.action_of = {core::Action::Cloud, core::Action::Cloud, core::Action::Redact, core::Action::Redact};
    const policies::TeamLabels labels{core::Secret{"bench"}, {1}};
    for (const std::size_t size : {std::size_t{2048}, std::size_t{65536}}) {
        const auto request = std::make_shared<const core::ChatRequest>(
            core::ChatRequest::from_json(
                Json{{"model", "m"}, {"messages", Json::array({Json{{"role", "user"}, {"content", prompt(size)}}})}})
                .value());
        const int times = size < 10'000 ? 2000 : 100;
        const auto judged = classifier.classify(request, {});
        const double classify = microseconds(times, [&] { (void)classifier.classify(request, {}); });
        const double redact = microseconds(times, [&] {
            (void)policies::Redactor{classifier}.redact(judged, policy,
                                                        {.classify = {}, .conversation_key = core::Secret{"c"}});
        });
        const double label = microseconds(times, [&] { (void)labels.of_request(*request); });
        std::printf("%6zu bytes, %3zu findings: classify %8.1f us, redact %8.1f us, labels of memory %7.1f us\n", size,
                    judged.findings().size(), classify, redact, label);
    }
    const auto map = std::make_shared<policies::PlaceholderMap>();
    const policies::PlaceholderMaker maker{core::Secret{"c"}};
    for (int i = 0; i < 20; ++i) maker.place(i % 2 == 0 ? "EMAIL" : "CREDIT_CARD", "value " + std::to_string(i), *map);
    std::string answer;
    while (answer.size() < 1'000'000)
        answer += "An answer of many words that names " + map->at(answer.size() % 20).text() +
                  " now and then, as answers do. ";
    const double restore = microseconds(3, [&] { (void)policies::restore(answer, map, policies::RestoreIn::Text); });
    std::printf("restore a text: %.0f MB/s\n", static_cast<double>(answer.size()) / restore);
    const std::string chunk =
        R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]})";
    std::size_t restored = 0;
    router::AnswerRewriter rewriter{router::restoring(map, restored)};
    std::printf("one chunk of a stream: %.2f us\n", microseconds(20'000, [&] { (void)rewriter.chunk(chunk); }));
    return 0;
}
