// CPU and emulated card side by side with 8-bit activations: given the same numbers, no operation differs by more than
// rounding, and a whole model is no further from the CPU than a rounding error takes the CPU from itself. That can be far:
// a value between two whole numbers of the 8-bit form goes to the other one, a step of 1/127 of its group.
#include "emulated_device.hpp"
#include "local_engine/model/model.hpp"
#include "staged_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace sluice::local_engine {
namespace {

// Computes on the CPU. The card computes the same from copies of the same inputs, and is compared.
class Lockstep final : public Kernels {
public:
    // `worst`: operation to the largest difference of any value, over the largest value of its result.
    Lockstep(Activations activations, std::map<std::string, double>& worst)
        : worst_(worst),
          cpu_(make_cpu_kernels({1, activations})),
          card_(std::make_unique<cuda::DeviceKernels>(testing::make_emulated_device(), activations)) {}

    // Only the CPU, with embeddings that are off by one part in a million at random.
    void nudge(unsigned seed) {
        alone_ = true;
        nudged_by_.seed(seed);
    }

    std::string name() const override { return "lockstep"; }
    std::byte* allocate(std::size_t bytes) override {
        std::byte* here = cpu_->allocate(bytes);
        sizes_[here] = bytes;
        return here;
    }
    Matrix place(const Matrix& weight) override { return weight; }
    void read(std::span<float> out, const float* from) override { cpu_->read(out, from); }
    void finish() override { cpu_->finish(); }
    void begin(const Batch& batch) override {
        rows_ = std::ssize(batch.tokens);
        logit_rows_ = std::ssize(batch.logit_rows);
        cpu_->begin(batch);
        card_.begin(batch);
    }

    void embed(float* out, const Matrix& table, float factor) override {
        both("embed", {{out, rows_ * table.cols}}, [&](Kernels& k, auto to) { k.embed(to(out), table, factor); });
        if (!alone_) return;
        std::uniform_real_distribution<float> error(-1e-6F, 1e-6F);
        for (std::int64_t i = 0; i < rows_ * table.cols; ++i) out[i] *= 1.0F + error(nudged_by_);
    }
    void rms_norm(float* out, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        both("norm", {{out, rows_ * width}},
             [&](Kernels& k, auto to) { k.rms_norm(to(out), out == x ? to(out) : x, weight, width, epsilon); });
    }
    void add_rms_norm(float* inout, const float* x, const float* weight, std::int64_t width, float epsilon) override {
        both("added norm", {{inout, rows_ * width}},
             [&](Kernels& k, auto to) { k.add_rms_norm(to(inout), x, weight, width, epsilon); });
    }
    void matmul(std::span<const Projection> projections, const float* x) override {
        for (const Projection& one : projections) {  // apart: a small result does not hide behind a large one
            both(one.weight.exact ? "exact product" : "product", {{one.out, rows_ * one.weight.rows}},
                 [&](Kernels& k, auto to) {
                     k.matmul(std::array{Projection{one.weight, to(one.out), one.store, one.bias}}, x);
                 });
        }
    }
    void rotate_and_store(float* q, float* k, const float* v, const Attention& a, const KvLayer& cache) override {
        both("rotate", {{q, rows_ * a.heads * a.head_size}, {k, rows_ * a.kv_heads * a.head_size}},
             [&](Kernels& kernels, auto to) { kernels.rotate_and_store(to(q), to(k), v, a, of(kernels, cache)); });
    }
    void absorb_and_store(float* out, const float* q, float* row, const LatentAttention& latent,
                          const KvLayer& cache) override {
        // What becomes of the row besides the cache is nobody's business: only its effect in attend() is compared.
        both("absorb",
             {{out, rows_ * latent.attention.heads * latent.attention.head_size},
              {row, 0, rows_ * latent.attention.head_size}},
             [&](Kernels& k, auto to) { k.absorb_and_store(to(out), q, to(row), latent, of(k, cache)); });
    }
    void attend(float* out, const float* q, const Attention& a, const KvLayer& cache) override {
        both("attend", {{out, rows_ * a.heads * a.values_per_head()}},
             [&](Kernels& k, auto to) { k.attend(to(out), q, a, of(k, cache)); });
    }
    void expand_values(float* out, const float* mixed, const LatentAttention& latent) override {
        both("expand", {{out, rows_ * latent.attention.heads * latent.value_size}},
             [&](Kernels& k, auto to) { k.expand_values(to(out), mixed, latent); });
    }
    void dense_ffn(float* out, const DenseFfn& ffn, const float* x, Store store) override {
        both("dense ffn", {{out, rows_ * ffn.down.rows}},
             [&](Kernels& k, auto to) { k.dense_ffn(to(out), ffn, x, store); });
    }
    void route(std::int32_t* ids, float* weights, const MoeFfn& ffn, const float* x) override {
        cpu_->route(ids, weights, ffn, x);
    }
    void moe_ffn(float* inout, const MoeFfn& ffn, const float* x) override {
        both("experts", {{inout, rows_ * ffn.router.weight.cols}},
             [&](Kernels& k, auto to) { k.moe_ffn(to(inout), ffn, x); });
    }
    void logits(float* out, const Matrix& head, const float* x, const float* norm, float epsilon) override {
        both("logits", {{out, logit_rows_ * head.rows}},
             [&](Kernels& k, auto to) { k.logits(to(out), head, x, norm, epsilon); });
    }

private:
    struct Result {
        float* host;
        std::int64_t compared;  // values of it
        std::int64_t more = 0;  // that are only copied
    };

    template <class Work>
    void both(const std::string& what, std::vector<Result> results, const Work& work) {
        if (alone_) return work(*cpu_, [](float* host) { return host; });
        std::vector<std::vector<float>> copies;
        for (const Result& one : results) copies.emplace_back(one.host, one.host + one.compared + one.more);
        work(static_cast<Kernels&>(card_), [&](float* host) {
            for (std::size_t i = 0; i < results.size(); ++i)
                if (results[i].host == host) return copies[i].data();
            return host;
        });
        work(*cpu_, [](float* host) { return host; });
        for (std::size_t i = 0; i < results.size(); ++i) {
            double difference = 0.0;
            double largest = 1e-30;
            for (std::int64_t at = 0; at < results[i].compared; ++at) {
                const double here = results[i].host[at];
                difference =
                    std::max(difference, std::abs(here - static_cast<double>(copies[i][static_cast<std::size_t>(at)])));
                largest = std::max(largest, std::abs(here));
            }
            worst_[what] = std::max(worst_[what], difference / largest);
        }
    }
    // The card's twin of a cache of the CPU's.
    KvLayer of(Kernels& kernels, const KvLayer& cache) {
        if (&kernels != &card_) return cache;
        const auto twin = [&](std::byte* here) -> std::byte* {
            if (here == nullptr) return nullptr;
            auto& there = twins_[here];
            if (there == nullptr) there = card_.allocate(sizes_.at(here));
            return there;
        };
        return {twin(cache.keys), twin(cache.values), cache.type};
    }

    std::map<std::string, double>& worst_;
    std::unique_ptr<Kernels> cpu_;
    testing::StagedKernels card_;
    std::map<std::byte*, std::size_t> sizes_;
    std::map<std::byte*, std::byte*> twins_;
    std::int64_t rows_ = 0, logit_rows_ = 0;
    bool alone_ = false;
    std::mt19937 nudged_by_;
};

// Of the last of 16 tokens.
std::vector<float> logits_of(const std::string& name, std::unique_ptr<Kernels> kernels) {
    auto file = gguf::Reader::open(std::filesystem::path(SLUICE_SOURCE_DIR "/tests/data/engine") / (name + ".gguf"));
    auto plan = read_plan(**file);
    const ForwardLimits limits{.step_tokens = 32, .logit_rows = 2, .pages = 2, .kv_type = KvType::F32};
    auto model = build_model(std::move(*file), std::move(*plan), std::move(kernels), limits);
    EXPECT_TRUE(model) << core::describe(model.error());
    std::vector<std::int32_t> tokens(16), positions(16);
    for (std::int32_t i = 0; i < 16; ++i) tokens[static_cast<std::size_t>(i)] = (i * 37 + 5) % 250;
    std::iota(positions.begin(), positions.end(), 0);
    const std::vector<std::int32_t> sequences(16, 0), pages{1}, rows{15};
    std::vector<float> logits(static_cast<std::size_t>((*model)->plan.vocabulary));
    (*model)->forward->run({tokens, positions, sequences, pages, 1, rows}, logits);
    return logits;
}

double furthest(const std::vector<float>& one, const std::vector<float>& other) {
    double most = 0.0;
    for (std::size_t i = 0; i < one.size(); ++i)
        most = std::max(most, std::abs(static_cast<double>(one[i]) - static_cast<double>(other[i])));
    return most;
}

class InLockstep : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
#if defined(__SANITIZE_THREAD__)
        GTEST_SKIP() << "fibers cannot run under the thread sanitizer";
#endif
    }
};

TEST_P(InLockstep, EveryOperationGivesWhatTheCpuGives) {
    std::map<std::string, double> worst;
    logits_of(GetParam(), std::make_unique<Lockstep>(Activations::Q8, worst));
    EXPECT_GE(worst.size(), 7U);
    for (const auto& [what, distance] : worst) EXPECT_LT(distance, 1e-5) << what;
}

TEST_P(InLockstep, TheWholeModelIsNoFurtherFromTheCpuThanARoundingErrorTakesTheCpuFromItself) {
    const auto cpu = logits_of(GetParam(), make_cpu_kernels({1, Activations::Q8}));
    const auto card =
        logits_of(GetParam(), std::make_unique<cuda::DeviceKernels>(testing::make_emulated_device(), Activations::Q8));
    double nudged = 0.0;
    for (unsigned seed = 1; seed <= 8; ++seed) {
        std::map<std::string, double> nothing;
        auto kernels = std::make_unique<Lockstep>(Activations::Q8, nothing);
        kernels->nudge(seed);
        nudged = std::max(nudged, furthest(logits_of(GetParam(), std::move(kernels)), cpu));
    }
    const double apart = furthest(card, cpu);
    RecordProperty("card_to_cpu", std::to_string(apart));
    RecordProperty("cpu_to_nudged_cpu", std::to_string(nudged));
    std::printf("%s: card to cpu %.2e, cpu to nudged cpu %.2e\n", GetParam().c_str(), apart, nudged);
    EXPECT_LE(apart, 2.0 * nudged + 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Bundled, InLockstep,
                         ::testing::Values("deepseek2-n-Q8_0", "gemma3-n-Q8_0", "gptoss-n-MXFP4", "qwen3-n-Q8_0",
                                           "llama4-n-Q8_0"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace sluice::local_engine
