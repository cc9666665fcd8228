// What a model is, read from a file's metadata and checked: the numbers that the forward pass and the kernels trust.
// One row of a table per architecture says how it differs from the common pre-norm transformer block.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/kernels/operands.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::local_engine {

struct RopePlan {
    Rope::Pairs pairs = Rope::Pairs::Neighbours;
    float step = 1.0F;            // from the angle of one pair to that of the next
    std::vector<float> divisors;  // of each pair's angle
    std::vector<float> factors;   // of each pair's angle: scaling to long contexts
    float magnitude = 1.0F;       // of sine and cosine
};

struct MoePlan {
    std::int64_t experts = 0;
    std::int64_t used = 0;
    std::int64_t ffn = 0;         // hidden width of one expert
    std::int64_t shared_ffn = 0;  // of the expert that all tokens use; 0: there is none
    bool normalise = true;
    float weight_scale = 1.0F;
    Router::Gating gating = Router::Gating::Softmax;
    std::int64_t groups = 1;
    std::int64_t groups_used = 1;
    bool selection_bias = false;
    bool biases = false;  // of the router and of the experts' matrices
    bool weigh_input = false;
};

// Multi-head latent attention: see LatentAttention.
struct LatentPlan {
    std::int64_t query_rank = 0;  // width that queries are compressed to first; 0: they are not
    std::int64_t latent = 0;
    std::int64_t nope = 0;
    std::int64_t rope = 0;
    std::int64_t value = 0;
    bool split = true;  // the expansion is two tensors, the keys' transposed; else one
};

struct LayerPlan {
    enum class QkNorm { None, Weighted, Plain };  // RMS norm of query and key heads: before rotation, or after it
    enum class Bias { None, IfThere, Required };

    std::int64_t heads = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_size = 0;  // of the rows that attention runs over
    float attention_scale = 0.0F;
    QkNorm qk_norm = QkNorm::None;
    Bias qkv_bias = Bias::None;
    bool output_bias = false;
    // Keys and values are computed from float activations: what is wrong with them meets every later token.
    bool exact_cache = false;
    bool sinks = false;
    int rope = 0;  // which of the model's ropes; negative: no rotation
    Mask mask = {};
    float temperature = 0.0F;  // see Attention
    std::int32_t temperature_length = 1;
    std::optional<LatentPlan> latent = {};
    bool post_norms = false;  // the results of attention and feed-forward are normed before they are added
    Activation activation = Activation::Swiglu;
    std::int64_t ffn = 0;             // hidden width; unused when there are experts
    std::optional<MoePlan> moe = {};  // none: dense

    std::int64_t query_width() const { return heads * head_size; }
    std::int64_t kv_width() const { return kv_heads * head_size; }
    // Values of a query before the key expansion, and of attention's result after the value expansion.
    std::int64_t raw_query_width() const { return latent ? heads * (latent->nope + latent->rope) : query_width(); }
    std::int64_t mixed_width() const { return latent ? heads * latent->latent : query_width(); }
    std::int64_t result_width() const { return latent ? heads * latent->value : query_width(); }
    // Values of one token that the cache keeps, keys and values together.
    std::int64_t cached_width() const { return latent ? head_size : 2 * kv_width(); }
};

struct ModelPlan {
    std::string architecture;
    std::string name = {};  // general.name, may be empty
    std::int64_t width = 0;
    std::int64_t vocabulary = 0;  // rows of the output head
    std::int64_t context_length = 0;
    float norm_epsilon = 0.0F;
    float embedding_scale = 1.0F;
    std::string ffn_norm = "ffn_norm";  // name of the tensor
    std::vector<RopePlan> ropes = {};
    std::vector<LayerPlan> layers = {};  // at least one
    std::int64_t extra_layers = 0;       // after those: for predicting several tokens, not used

    // The most experts of any layer, and the most that a token uses; 0 for dense models.
    std::int64_t experts() const;
    std::int64_t experts_used() const;
};

// Errors: Unsupported names an architecture or a feature that is not ours; Corrupt the key that is missing or absurd.
core::Result<ModelPlan> read_plan(const gguf::Reader& file);

// Names of the architectures, separated by commas.
std::string known_architectures();

}  // namespace sluice::local_engine
