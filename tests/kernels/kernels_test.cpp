// Every backend and instruction set against the reference, operation by operation: odd sizes, tails, all types.
#include "local_engine/kernels/kernels.hpp"

#include "local_engine/kernels/cuda/open.hpp"
#include "staged_kernels.hpp"
#include "weights.hpp"

#if defined(SLUICE_EMULATOR)
#include "emulated_device.hpp"
#endif

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

namespace sluice::local_engine {
namespace {

using testing::OwnedMatrix;
using testing::random_floats;
using testing::random_matrix;

enum class Where { Cpu, EmulatedCuda, Cuda };

struct BackendCase {
    const char* label;
    CpuOptions options;
    double tolerance;  // relative L2 distance of products with quantised weights
    Where where = Where::Cpu;

    friend void PrintTo(const BackendCase& backend, std::ostream* out) { *out << backend.label; }
};

const BackendCase kBackends[] = {
    {"scalar_f32", {1, Activations::F32, "scalar"}, 1e-5},
    {"scalar_q8", {1, Activations::Q8, "scalar"}, 1e-2},
    {"avx2_f32", {2, Activations::F32, "avx2"}, 1e-5},
    {"avx2_q8", {2, Activations::Q8, "avx2"}, 1e-2},
    {"avx512_f32", {3, Activations::F32, "avx512-vnni"}, 1e-5},
    {"avx512_q8", {2, Activations::Q8, "avx512-vnni"}, 1e-2},
    {"cuda_emulated_f32", {1, Activations::F32, "the emulated CUDA device"}, 1e-5, Where::EmulatedCuda},
    {"cuda_emulated_q8", {1, Activations::Q8, "the emulated CUDA device"}, 1e-2, Where::EmulatedCuda},
    {"cuda_f32", {1, Activations::F32, "a CUDA device"}, 1e-5, Where::Cuda},
    {"cuda_q8", {1, Activations::Q8, "a CUDA device"}, 1e-2, Where::Cuda},
};

std::unique_ptr<cuda::Device> device_of(Where where) {
#if defined(SLUICE_EMULATOR) && !defined(__SANITIZE_THREAD__)  // which cannot follow fibers
    if (where == Where::EmulatedCuda) return testing::make_emulated_device();
#endif
    if (where != Where::Cuda) return nullptr;
    auto device = cuda::open_device(0);
    return device ? std::move(*device) : nullptr;
}

std::unique_ptr<Kernels> make_backend(const BackendCase& backend) {
    if (backend.where == Where::Cpu) return make_cpu_kernels(backend.options);
    auto device = device_of(backend.where);
    if (device == nullptr) return nullptr;
    return std::make_unique<testing::StagedKernels>(
        std::make_unique<cuda::DeviceKernels>(std::move(device), backend.options.activations));
}

constexpr TensorType kTypes[] = {TensorType::F32,  TensorType::F16,    TensorType::BF16,   TensorType::Q8_0,
                                 TensorType::Q4_0, TensorType::Q4_1,   TensorType::Q5_0,   TensorType::Q5_1,
                                 TensorType::Q2_K, TensorType::Q3_K,   TensorType::Q4_K,   TensorType::Q5_K,
                                 TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS, TensorType::MXFP4};

double distance(const std::vector<float>& got, const std::vector<float>& wanted) {
    double error = 0.0;
    double norm = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double difference = static_cast<double>(got[i]) - static_cast<double>(wanted[i]);
        error += difference * difference;
        norm += static_cast<double>(wanted[i]) * static_cast<double>(wanted[i]);
    }
    return std::sqrt(error / std::max(norm, 1e-30));
}

// A step of `sizes` tokens per sequence, each sequence starting at the given position, with scattered pages.
struct TestBatch {
    std::vector<std::int32_t> tokens, positions, sequences, pages, rows;
    std::int32_t columns = 4;

    TestBatch(const std::vector<std::pair<std::int32_t, std::int32_t>>& start_and_size,
              std::int32_t vocabulary = 1000) {
        std::int32_t sequence = 0;
        for (const auto& [start, size] : start_and_size) {
            for (std::int32_t i = 0; i < size; ++i) {
                tokens.push_back((sequence * 31 + i * 7) % vocabulary);
                positions.push_back(start + i);
                sequences.push_back(sequence);
            }
            rows.push_back(static_cast<std::int32_t>(tokens.size()) - 1);
            for (std::int32_t column = 0; column < columns; ++column) {
                pages.push_back(column * static_cast<std::int32_t>(start_and_size.size()) + sequence);
            }
            ++sequence;
        }
    }
    Batch view() const { return {tokens, positions, sequences, pages, columns, rows}; }
    std::size_t size() const { return tokens.size(); }
};

class KernelsTest : public ::testing::TestWithParam<BackendCase> {
protected:
    void SetUp() override {
        fast_ = make_backend(GetParam());
        if (fast_ == nullptr) GTEST_SKIP() << "this machine lacks " << GetParam().options.instruction_set;
        reference_ = make_reference_kernels();
    }

    void begin(const TestBatch& batch) {
        fast_->begin(batch.view());
        reference_->begin(batch.view());
    }

    // Both backends do the same to copies of `out`; the relative distance of the results.
    double compare(std::vector<float> out, const std::function<void(Kernels&, float*)>& operation) {
        std::vector<float> wanted = out;
        operation(*fast_, out.data());
        operation(*reference_, wanted.data());
        return distance(out, wanted);
    }

    double tolerance(TensorType type) const {
        const bool quantised = type != TensorType::F32 && type != TensorType::F16 && type != TensorType::BF16;
        return quantised ? GetParam().tolerance : 1e-5;
    }

    std::unique_ptr<Kernels> fast_, reference_;
    std::mt19937 random_{11};
};

TEST_P(KernelsTest, ProductsOfEveryTypeAndAnyNumberOfRowsAndColumns) {
    for (const TensorType type : kTypes) {
        const std::int64_t least = traits(type)->block_elements;
        for (const std::int64_t cols : {least < 32 ? 37 : least, least < 256 ? std::int64_t{288} : std::int64_t{768}}) {
            for (const std::int64_t rows : {1, 16, 45}) {
                const OwnedMatrix weight = random_matrix(type, rows, cols, random_);
                for (const std::int32_t tokens : {1, 2, 3, 4, 5, 8, 13, 33}) {
                    begin(TestBatch({{0, tokens}}));
                    const auto x = random_floats(static_cast<std::size_t>(tokens * cols), random_);
                    const std::vector<float> out(static_cast<std::size_t>(tokens * rows), 0.5F);
                    for (const Store how : {Store::Overwrite, Store::Add}) {
                        const double off = compare(out, [&](Kernels& kernels, float* to) {
                            kernels.matmul(std::array{Projection{weight.view, to, how}}, x.data());
                        });
                        // One row of one product can be small by chance: the error is that of the sum's terms.
                        const double slack = rows == 1 ? 20.0 : 2.0;
                        EXPECT_LT(off, slack * tolerance(type))
                            << traits(type)->name << " " << rows << " x " << cols << ", " << tokens;
                    }
                }
            }
        }
    }
}

TEST_P(KernelsTest, ExtremeBlocksDoNotSaturate) {
    for (const TensorType type : kTypes) {
        if (traits(type)->block_elements == 1) continue;
        OwnedMatrix weight = random_matrix(type, 32, 256, random_);
        const std::size_t block = static_cast<std::size_t>(traits(type)->block_bytes);
        for (std::size_t i = 0; i < weight.bytes.size(); ++i) {
            const bool scale = std::ranges::any_of(
                testing::half_offsets(type), [&](std::size_t at) { return i % block == at || i % block == at + 1; });
            if (type == TensorType::MXFP4 && i % block == 0) continue;  // its scale
            if (!scale) weight.bytes[i] = type == TensorType::Q8_0 ? std::byte{0x80} : std::byte{0xff};
        }
        for (const std::int32_t tokens : {1, 4, 9}) {
            begin(TestBatch({{0, tokens}}));
            const std::vector<float> x(static_cast<std::size_t>(tokens * 256), 3.0F);
            const double off =
                compare(std::vector<float>(static_cast<std::size_t>(tokens * 32)), [&](Kernels& kernels, float* to) {
                    kernels.matmul(std::array{Projection{weight.view, to}}, x.data());
                });
            EXPECT_LT(off, 1e-5) << traits(type)->name << ", " << tokens;  // equal activations have no rounding error
        }
    }
}

TEST_P(KernelsTest, EmbeddingAndNorm) {
    const OwnedMatrix table = random_matrix(TensorType::Q6_K, 1000, 256, random_);
    const auto weight = random_floats(100, random_);
    const TestBatch batch({{0, 5}, {3, 1}});
    begin(batch);
    EXPECT_EQ(compare(std::vector<float>(batch.size() * 256),
                      [&](Kernels& kernels, float* to) { kernels.embed(to, table.view, 1.0F); }),
              0.0);
    const auto x = random_floats(batch.size() * 100, random_);
    const auto norm = [&](Kernels& kernels, float* to) { kernels.rms_norm(to, x.data(), weight.data(), 100, 1e-5F); };
    EXPECT_LT(compare(std::vector<float>(batch.size() * 100), norm), 1e-6);
}

// Rotation, cache and attention together, because the cache's content is a backend's own affair.
TEST_P(KernelsTest, AttentionOverPagesOfMixedSequences) {
    for (const KvType type : {KvType::F32, KvType::F16}) {
        for (const auto kind : {Rope::Pairs::Neighbours, Rope::Pairs::Halves}) {
            for (const std::int32_t size : {32, 80}) {
                const std::vector<float> divisors(static_cast<std::size_t>(size / 4), 1.5F);
                const auto factors = random_floats(divisors.size(), random_);
                const auto norms = random_floats(static_cast<std::size_t>(size), random_);
                Attention attention{.heads = 6, .kv_heads = 2, .head_size = size, .scale = 0.2F, .norm_epsilon = 1e-6F};
                attention.q_norm = kind == Rope::Pairs::Halves ? norms.data() : nullptr;
                attention.k_norm = attention.q_norm;
                attention.rope = {kind, 0.9F, divisors.data(), factors.data(), size / 4, 1.1F};
                const std::size_t bytes = static_cast<std::size_t>(12 * 2 * kPageTokens * size) * sizeof(float);
                KvLayer caches[2] = {{fast_->allocate(bytes), fast_->allocate(bytes), type},
                                     {reference_->allocate(bytes), reference_->allocate(bytes), type}};
                // Prompts across page borders, then single tokens beside a longer chunk.
                for (const TestBatch& batch :
                     {TestBatch({{0, 70}, {0, 1}, {0, 130}}), TestBatch({{70, 1}, {1, 20}, {130, 9}})}) {
                    begin(batch);
                    const auto q = random_floats(batch.size() * 6 * static_cast<std::size_t>(size), random_);
                    const auto k = random_floats(batch.size() * 2 * static_cast<std::size_t>(size), random_);
                    const auto v = random_floats(k.size(), random_);
                    const double off = compare(std::vector<float>(q.size()), [&](Kernels& kernels, float* to) {
                        const KvLayer& cache = caches[&kernels == reference_.get() ? 1 : 0];
                        auto queries = q;
                        auto keys = k;
                        kernels.rotate_and_store(queries.data(), keys.data(), v.data(), attention, cache);
                        kernels.attend(to, queries.data(), attention, cache);
                    });
                    EXPECT_LT(off, type == KvType::F32 ? 2e-5 : 1e-3) << size;
                }
            }
        }
    }
}

struct MaskedCase {
    Mask mask;
    bool sinks, norm_after, rotated;
    float temperature;
};

// Windows and chunks whose borders fall into, on and between pages; sinks; layers without rotation.
TEST_P(KernelsTest, MaskedAttentionWithSinksAndTemperature) {
    constexpr std::int32_t kSize = 32;
    const std::vector<float> ones(kSize / 2, 1.0F);
    const std::vector<float> sinks{0.5F, -30.0F, 40.0F, 3.0F};
    for (const MaskedCase& one :
         {MaskedCase{{Mask::Kind::Window, 16}, true, false, true, 0.0F},
          MaskedCase{{Mask::Kind::Window, 64}, false, false, true, 0.0F},
          MaskedCase{{Mask::Kind::Window, 1}, true, false, true, 0.0F},
          MaskedCase{{Mask::Kind::Chunk, 48}, false, true, true, 0.0F},
          MaskedCase{{Mask::Kind::Chunk, 64}, true, true, true, 0.0F}, MaskedCase{{}, true, false, false, 0.3F}}) {
        Attention attention{.heads = 4, .kv_heads = 2, .head_size = kSize, .scale = 0.3F, .norm_epsilon = 1e-5F};
        attention.mask = one.mask;
        attention.norm_after_rotation = one.norm_after;
        attention.sinks = one.sinks ? sinks.data() : nullptr;
        attention.temperature = one.temperature;
        attention.temperature_length = 50;
        if (one.rotated) attention.rope = {Rope::Pairs::Halves, 0.7F, ones.data(), ones.data(), kSize / 2, 1.0F};
        const std::size_t bytes = 12 * 2 * kPageTokens * kSize * sizeof(float);
        const KvLayer caches[2] = {{fast_->allocate(bytes), fast_->allocate(bytes), KvType::F32},
                                   {reference_->allocate(bytes), reference_->allocate(bytes), KvType::F32}};
        for (const TestBatch& batch :
             {TestBatch({{0, 150}, {0, 1}, {0, 64}}), TestBatch({{150, 1}, {1, 30}, {64, 9}})}) {
            begin(batch);
            const auto q = random_floats(batch.size() * 4 * kSize, random_);
            const auto k = random_floats(batch.size() * 2 * kSize, random_);
            const auto v = random_floats(k.size(), random_);
            const double off = compare(std::vector<float>(q.size()), [&](Kernels& kernels, float* to) {
                const KvLayer& cache = caches[&kernels == reference_.get() ? 1 : 0];
                auto queries = q;
                auto keys = k;
                kernels.rotate_and_store(queries.data(), keys.data(), v.data(), attention, cache);
                kernels.attend(to, queries.data(), attention, cache);
            });
            EXPECT_LT(off, 2e-5) << static_cast<int>(one.mask.kind) << " " << one.mask.size;
        }
    }
}

// Both layouts of the key expansion, more heads than one task takes, quantised and float expansions.
TEST_P(KernelsTest, LatentAttentionAbsorbsAndExpandsAlike) {
    constexpr std::int32_t kHeads = 20;
    const std::vector<float> ones(8, 1.0F);
    const auto norm = random_floats(64, random_);
    for (const bool split : {true, false}) {
        for (const TensorType type : {TensorType::F16, TensorType::Q8_0}) {
            const OwnedMatrix key = random_matrix(type, split ? kHeads * 64 : kHeads * 80, split ? 32 : 64, random_);
            const OwnedMatrix value = split ? random_matrix(type, kHeads * 48, 64, random_) : key;
            LatentAttention latent{.nope_size = 32, .rope_size = 16, .latent = 64, .value_size = 48};
            latent.latent_norm = norm.data();
            latent.keys = split ? LatentAttention::Keys::Absorbed : LatentAttention::Keys::Rows;
            latent.key = key.view;
            latent.value = split ? value.view : key.view;
            latent.key_stride = split ? 64 : 80;
            latent.value_stride = split ? 48 : 80;
            latent.value_first = split ? 0 : 32;
            latent.attention = {.heads = kHeads, .kv_heads = 1, .head_size = 80, .value_size = 64, .scale = 0.05F};
            latent.attention.norm_epsilon = 1e-5F;
            latent.attention.rope = {Rope::Pairs::Neighbours, 0.6F, ones.data(), ones.data(), 8, 1.0F};
            const std::size_t bytes = 12 * kPageTokens * 80 * sizeof(float);
            const KvLayer caches[2] = {{fast_->allocate(bytes), nullptr, KvType::F32},
                                       {reference_->allocate(bytes), nullptr, KvType::F32}};
            for (const TestBatch& batch : {TestBatch({{0, 70}, {0, 3}}), TestBatch({{70, 1}, {3, 1}})}) {
                begin(batch);
                const auto q = random_floats(batch.size() * kHeads * 48, random_);
                const auto rows = random_floats(batch.size() * 80, random_);
                const double off =
                    compare(std::vector<float>(batch.size() * kHeads * 48), [&](Kernels& kernels, float* to) {
                        const KvLayer& cache = caches[&kernels == reference_.get() ? 1 : 0];
                        std::vector<float> absorbed(batch.size() * kHeads * 80);
                        std::vector<float> mixed(batch.size() * kHeads * 64);
                        auto row = rows;
                        kernels.absorb_and_store(absorbed.data(), q.data(), row.data(), latent, cache);
                        kernels.attend(mixed.data(), absorbed.data(), latent.attention, cache);
                        kernels.expand_values(to, mixed.data(), latent);
                    });
                EXPECT_LT(off, std::max(3e-5, 3.0 * tolerance(type))) << split << " " << traits(type)->name;
            }
        }
    }
}

TEST_P(KernelsTest, DenseFeedForward) {
    for (const TensorType type : {TensorType::F16, TensorType::Q8_0, TensorType::Q4_K}) {
        const OwnedMatrix gate = random_matrix(type, 256, 256, random_);
        const OwnedMatrix up = random_matrix(type, 256, 256, random_);
        const OwnedMatrix down = random_matrix(TensorType::Q6_K, 256, 256, random_);
        for (const std::int32_t tokens : {1, 11}) {
            begin(TestBatch({{0, tokens}}));
            const auto x = random_floats(static_cast<std::size_t>(tokens) * 256, random_);
            const double off = compare(std::vector<float>(x.size(), 0.1F), [&](Kernels& kernels, float* to) {
                kernels.dense_ffn(to, {gate.view, up.view, down.view}, x.data(), Store::Add);
            });
            EXPECT_LT(off, 3.0 * std::max(GetParam().tolerance, tolerance(type)));
        }
    }
}

MoeFfn some_experts(const OwnedMatrix& router, const OwnedMatrix& gate, const OwnedMatrix& up,
                    const OwnedMatrix& down) {
    return {.experts = 12,
            .used = 3,
            .router = {.weight = router.view},
            .gate = gate.view,
            .up = up.view,
            .down = down.view,
            .ffn = 96};
}

TEST_P(KernelsTest, ExpertsChooseAlikeAndComputeAlike) {
    const OwnedMatrix router = random_matrix(TensorType::F32, 12, 256, random_);
    const OwnedMatrix gate = random_matrix(TensorType::Q4_K, 12 * 96, 256, random_);
    const OwnedMatrix up = random_matrix(TensorType::Q8_0, 12 * 96, 256, random_);
    const OwnedMatrix down = random_matrix(TensorType::Q8_0, 12 * 256, 96, random_);
    const MoeFfn ffn = some_experts(router, gate, up, down);
    for (const std::int32_t tokens : {1, 2, 7, 40}) {
        begin(TestBatch({{0, tokens}}));
        const auto x = random_floats(static_cast<std::size_t>(tokens) * 256, random_);
        std::vector<std::int32_t> ids[2];
        const double weights_off =
            compare(std::vector<float>(static_cast<std::size_t>(tokens) * 3), [&](Kernels& kernels, float* to) {
                auto& chosen = ids[&kernels == reference_.get() ? 1 : 0];
                chosen.resize(static_cast<std::size_t>(tokens) * 3);
                kernels.route(chosen.data(), to, ffn, x.data());
            });
        EXPECT_EQ(ids[0], ids[1]);
        EXPECT_LT(weights_off, 1e-5);
        const double off = compare(std::vector<float>(x.size(), 0.1F),
                                   [&](Kernels& kernels, float* to) { kernels.moe_ffn(to, ffn, x.data()); });
        EXPECT_LT(off, 3.0 * GetParam().tolerance) << tokens;
    }
}

TEST_P(KernelsTest, ExpertsWithBiasesClampedActivationSharedExpertAndWeightedInput) {
    const OwnedMatrix router = random_matrix(TensorType::F32, 12, 256, random_);
    const OwnedMatrix gate = random_matrix(TensorType::MXFP4, 12 * 96, 256, random_);
    const OwnedMatrix up = random_matrix(TensorType::Q5_K, 12 * 96, 256, random_);
    const OwnedMatrix down = random_matrix(TensorType::Q5_1, 12 * 256, 96, random_);
    const OwnedMatrix shared = random_matrix(TensorType::Q8_0, 256, 256, random_);
    const auto biases = random_floats(12 * 256, random_);
    for (const bool weigh : {false, true}) {
        MoeFfn ffn = some_experts(router, gate, up, down);
        ffn.router.bias = biases.data();
        ffn.router.selection_bias = biases.data() + 12;
        ffn.router.gating = Router::Gating::Sigmoid;
        ffn.router.groups = 4;
        ffn.router.groups_used = 2;
        ffn.router.scale = 2.5F;
        ffn.gate_bias = ffn.up_bias = ffn.down_bias = biases.data();
        ffn.activation = weigh ? Activation::Geglu : Activation::SwigluClamped;
        ffn.weigh_input = weigh;
        ffn.shared = {shared.view, shared.view, shared.view, Activation::Swiglu};
        for (const std::int32_t tokens : {1, 9}) {
            begin(TestBatch({{0, tokens}}));
            const auto x = random_floats(static_cast<std::size_t>(tokens) * 256, random_);
            const double off = compare(std::vector<float>(x.size(), 0.1F),
                                       [&](Kernels& kernels, float* to) { kernels.moe_ffn(to, ffn, x.data()); });
            EXPECT_LT(off, 3.0 * GetParam().tolerance) << weigh << " " << tokens;
        }
    }
}

TEST_P(KernelsTest, EqualScoresGoToTheLowerExpert) {
    OwnedMatrix router = random_matrix(TensorType::F32, 12, 256, random_);
    const std::size_t row = router.view.row_bytes;
    for (const std::size_t copy : {4U, 7U, 8U, 11U})
        std::memcpy(router.bytes.data() + copy * row, router.bytes.data() + 2 * row, row);
    const MoeFfn ffn{.experts = 12, .used = 4, .router = {.weight = router.view}};
    begin(TestBatch({{0, 1}}));
    std::vector<float> x(256);
    std::memcpy(x.data(), router.bytes.data() + 2 * row, row);  // expert 2 and its copies score highest
    std::int32_t ids[4];
    float weights[4];
    fast_->route(ids, weights, ffn, x.data());
    EXPECT_EQ(std::vector<std::int32_t>(ids, ids + 4), (std::vector<std::int32_t>{2, 4, 7, 8}));
    EXPECT_NEAR(weights[0], 0.25F, 1e-6F);

    std::ranges::fill(x, 0.0F);  // all equal
    fast_->route(ids, weights, ffn, x.data());
    EXPECT_EQ(std::vector<std::int32_t>(ids, ids + 4), (std::vector<std::int32_t>{0, 1, 2, 3}));
}

TEST_P(KernelsTest, LogitsOfChosenRows) {
    const OwnedMatrix head = random_matrix(TensorType::Q6_K, 301, 256, random_);
    const auto norm = random_floats(256, random_);
    const TestBatch batch({{0, 4}, {9, 1}, {2, 3}});
    begin(batch);
    const auto x = random_floats(batch.size() * 256, random_);
    const double off = compare(std::vector<float>(3 * 301), [&](Kernels& kernels, float* to) {
        kernels.logits(to, head.view, x.data(), norm.data(), 1e-5F);
    });
    EXPECT_LT(off, GetParam().tolerance);
}

// To the bit: the text of a request must not depend on its neighbours.
TEST_P(KernelsTest, ABatchGivesWhatItsTokensGiveAlone) {
    for (const TensorType type : kTypes) {
        const std::int64_t block = traits(type)->block_elements;
        for (const std::int64_t cols : {block == 1 ? 75 : std::int64_t{512}, 4096 + (block < 256 ? std::int64_t{288} : std::int64_t{512})}) {
            const OwnedMatrix weight = random_matrix(type, 53, cols, random_);
            const auto x = random_floats(static_cast<std::size_t>(15 * cols), random_);
            const auto in_steps_of = [&](std::int32_t tokens) {
                std::vector<float> out(15 * 53);
                for (std::int32_t first = 0; first < 15; first += tokens) {
                    fast_->begin(TestBatch({{0, std::min(tokens, 15 - first)}}).view());
                    fast_->matmul(std::array{Projection{weight.view, out.data() + first * 53}}, x.data() + first * cols);
                }
                return out;
            };
            const std::vector<float> alone = in_steps_of(1);
            for (const std::int32_t tokens : {2, 3, 4, 7, 15}) EXPECT_EQ(in_steps_of(tokens), alone) << traits(type)->name << ", " << tokens;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, KernelsTest, ::testing::ValuesIn(kBackends),
                         [](const auto& test) { return std::string(test.param.label); });

}  // namespace
}  // namespace sluice::local_engine
