// bench_gpu [--model NAME]... [--quick] [--json FILE]: the local engine's speed on card 0, for models that need no
// files. Ends with 77 and says so where there is no card: nothing was measured.
#include "local_engine/kernels/cuda/open.hpp"
#include "tests/bench/gpu/report.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace sluice::local_engine::bench {
namespace {

constexpr int kNothingMeasured = 77;

struct Wanted {
    std::vector<std::string> models;
    std::string json;
    Options options;
    bool wrong = false;
};

Wanted read_arguments(int argc, char** argv) {
    Wanted wanted;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--model" && i + 1 < argc) wanted.models.emplace_back(argv[++i]);
        else if (argument == "--json" && i + 1 < argc) wanted.json = argv[++i];
        else if (argument == "--quick")
            wanted.options = {
                .batches = {1, 32}, .contexts = {128, 8192}, .prompts = {512}, .repeats = 3, .most_seconds = 3.0};
        else wanted.wrong = true;
    }
    return wanted;
}

bool asked_for(const Wanted& wanted, const std::string& name) {
    return wanted.models.empty() || std::ranges::find(wanted.models, name) != wanted.models.end();
}

int run(int argc, char** argv) {
    const Wanted wanted = read_arguments(argc, argv);
    if (wanted.wrong) {
        std::fprintf(stderr, "bench_gpu [--model NAME]... [--quick] [--json FILE]; models:");
        for (const Shape& shape : shapes()) std::fprintf(stderr, " %s", shape.name.c_str());
        std::fprintf(stderr, "\n");
        return 2;
    }
    if (const auto card = cuda::open_device(0); !card) {
        std::printf("skipped, all of it: %s\nnothing was measured: ceilings, operations, decoding, prompts\n",
                    card.error().detail.c_str());
        return kNothingMeasured;
    }
    const auto measured = measure_ceilings(0);
    const Ceilings ceilings = measured ? *measured : Ceilings{};
    if (!measured) std::printf("ceilings: %s\n", measured.error().detail.c_str());
    std::printf("%s", table_of(ceilings).c_str());
    core::Json all{{"ceilings", to_json(ceilings)}, {"models", core::Json::array()}};
    int failed = 0;
    for (const Shape& shape : shapes()) {
        if (!asked_for(wanted, shape.name)) continue;
        auto device = cuda::open_device(0);
        const auto report =
            device ? measure(std::move(*device), shape, wanted.options) : core::Result<ModelReport>{device.error()};
        if (report) {
            std::printf("\n%s", table_of(*report, ceilings).c_str());
            all["models"].push_back(to_json(*report, ceilings));
        } else {
            std::printf("\n%s: %s\n", shape.name.c_str(), core::describe(report.error()).c_str());
            all["models"].push_back({{"model", shape.name}, {"failed", core::describe(report.error())}});
            failed = 1;
        }
        std::fflush(stdout);
        if (!wanted.json.empty())
            std::ofstream(wanted.json) << all.dump(1) << '\n';  // what there is, should the next one not end
    }
    return failed;
}

}  // namespace
}  // namespace sluice::local_engine::bench

int main(int argc, char** argv) {
    return sluice::local_engine::bench::run(argc, argv);
}
