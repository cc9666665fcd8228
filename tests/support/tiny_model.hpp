// A whole model of a few ten kilobytes for each architecture, made here and open to any change before it becomes a
// file: for files with one fault each, and as what the fuzzer of model files begins with.
#pragma once

#include "tests/support/gguf_writer.hpp"
#include "tests/support/small_vocabulary.hpp"

#include <algorithm>
#include <optional>

namespace sluice::test {

class TinyModel {
public:
    struct Entry {
        std::string key;
        std::int32_t type = 0;  // of the file format
        std::string bytes;      // the value as it lies in the file
    };
    struct Tensor {
        std::string name;
        std::vector<std::int64_t> ne;
        std::int32_t type = 0;
        std::string bytes;
        std::optional<std::uint64_t> offset = std::nullopt;  // instead of its own place
        std::optional<std::uint32_t> dims = std::nullopt;    // instead of ne.size()
    };
    std::vector<Entry> entries;
    std::vector<Tensor> tensors;
    GgufWriter header = {};  // magic, version, counts

    static const std::vector<std::string>& kinds() {
        static const std::vector<std::string> all{"llama",     "mixtral",       "qwen2",  "qwen3",   "qwen3moe",
                                                  "deepseek2", "deepseek2-old", "llama4", "gpt-oss", "gemma3"};
        return all;
    }
    static TinyModel of(const std::string& kind) {
        TinyModel model;
        model.make(kind);
        return model;
    }

    // Replaces the value of a key, or adds the key.
    template <class T>
    TinyModel& set(const std::string& key, T value) {
        std::string bytes;
        if constexpr (std::is_convertible_v<T, std::string_view>) GgufWriter::put_string(bytes, value);
        else GgufWriter::put(bytes, value);
        constexpr auto kType =
            std::is_convertible_v<T, std::string_view> ? GgufWriter::ValueType::String : GgufWriter::type_of<T>();
        return set_raw(key, static_cast<std::int32_t>(kType), std::move(bytes));
    }
    template <class T>
    TinyModel& set_list(const std::string& key, const std::vector<T>& values) {
        std::string bytes;
        constexpr bool kText = std::is_convertible_v<T, std::string_view>;
        constexpr auto kType = kText ? GgufWriter::ValueType::String : GgufWriter::type_of<T>();
        GgufWriter::put(bytes, static_cast<std::int32_t>(kType));
        GgufWriter::put(bytes, static_cast<std::uint64_t>(values.size()));
        for (const T& value : values) {
            if constexpr (kText) GgufWriter::put_string(bytes, value);
            else GgufWriter::put(bytes, value);
        }
        return set_raw(key, static_cast<std::int32_t>(GgufWriter::ValueType::Array), std::move(bytes));
    }
    TinyModel& set_raw(const std::string& key, std::int32_t type, std::string bytes) {
        const auto found =
            std::find_if(entries.begin(), entries.end(), [&](const Entry& one) { return one.key == key; });
        if (found == entries.end()) entries.push_back({key, type, std::move(bytes)});
        else *found = {key, type, std::move(bytes)};
        return *this;
    }
    TinyModel& erase(const std::string& key) {
        std::erase_if(entries, [&](const Entry& one) { return one.key == key; });
        return *this;
    }
    Tensor& tensor(const std::string& name) {
        return *std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& one) { return one.name == name; });
    }
    TinyModel& erase_tensor(const std::string& name) {
        std::erase_if(tensors, [&](const Tensor& one) { return one.name == name; });
        return *this;
    }

    std::string build() const {
        GgufWriter writer = header;
        for (const Entry& entry : entries) writer.set_raw(entry.key, entry.type, entry.bytes);
        std::string data;
        for (const Tensor& one : tensors) {
            data.resize((data.size() + writer.alignment - 1) / writer.alignment * writer.alignment, '\0');
            writer.tensor_raw(one.name, one.dims.value_or(static_cast<std::uint32_t>(one.ne.size())), one.ne, one.type,
                              one.offset.value_or(data.size()));
            data += one.bytes;
        }
        return writer.data(data).build();
    }

    SmallVocabulary vocabulary = {};

private:
    static constexpr std::int64_t kWidth = 32, kFfn = 32, kHeads = 4, kExperts = 4, kRows = 264;

    void make(const std::string& kind) {
        prefix_ = kind == "mixtral" ? "llama" : kind == "deepseek2-old" ? "deepseek2" : kind;
        latent_ = prefix_ == "deepseek2";
        old_ = kind == "deepseek2-old";
        moe_ = kind != "llama" && kind != "qwen2" && kind != "qwen3" && kind != "gemma3";
        shared_ = latent_ || kind == "llama4";
        biases_ = kind == "gpt-oss";
        layers_ = kind == "llama4" ? 4 : 2;
        head_size_ = kind == "llama" || kind == "mixtral" || kind == "qwen2" ? 8 : 16;
        write_numbers(kind);
        write_vocabulary(kind == "mixtral");
        matrix("token_embd.weight", {kWidth, kRows});
        for (int layer = 0; layer < layers_; ++layer) write_layer(kind, layer, "blk." + std::to_string(layer) + ".");
        vector("output_norm.weight", {kWidth});
        if (kind != "gemma3") matrix("output.weight", {kWidth, kRows});
        if (kind == "llama") vector("rope_freqs.weight", {head_size_ / 2});
    }

    void number(const std::string& key, std::int64_t value) {
        set(prefix_ + "." + key, static_cast<std::uint32_t>(value));
    }
    void real(const std::string& key, float value) { set(prefix_ + "." + key, value); }

    void write_numbers(const std::string& kind) {
        set("general.architecture", prefix_).set("general.name", "tiny " + kind);
        number("block_count", layers_);
        number("context_length", 256);
        number("embedding_length", kWidth);
        number("feed_forward_length", kFfn);
        number("attention.head_count", kHeads);
        real("attention.layer_norm_rms_epsilon", 1e-5F);
        real("rope.freq_base", 10000.0F);
        number("rope.dimension_count", latent_ ? 16 : head_size_);
        if (!latent_) number("attention.head_count_kv", kHeads / 2);
        if (!latent_ && head_size_ == 16) {
            number("attention.key_length", head_size_);
            number("attention.value_length", head_size_);
        }
        if (kind == "gpt-oss" || kind == "gemma3") number("attention.sliding_window", 8);
        if (kind == "gemma3") real("rope.freq_base_swa", 10000.0F);
        if (kind == "llama4") number("interleave_moe_layer_step", 2);
        if (moe_) {
            number("expert_count", kExperts);
            number("expert_used_count", 2);
            number("expert_feed_forward_length", kFfn);
        }
        if (!latent_) return;
        number("attention.kv_lora_rank", 32);
        number("leading_dense_block_count", 1);
        number("expert_shared_count", 1);
        number(old_ ? "attention.key_length" : "attention.key_length_mla", 48);
        number(old_ ? "attention.value_length" : "attention.value_length_mla", 32);
        if (old_) return;
        number("attention.q_lora_rank", 32);
        number("expert_group_count", 2);
        number("expert_group_used_count", 1);
        number("expert_gating_func", 2);
        set("deepseek2.expert_weights_norm", true);
        real("expert_weights_scale", 2.5F);
        set("deepseek2.rope.scaling.type", "yarn");
        real("rope.scaling.factor", 4.0F);
        number("rope.scaling.original_context_length", 64);
        real("rope.scaling.yarn_log_multiplier", 0.1F);
    }

    void write_vocabulary(bool pieces) {
        vocabulary = pieces ? SmallVocabulary() : SmallVocabulary::byte_level();
        constexpr char kHex[] = "0123456789ABCDEF";
        for (unsigned byte = 0; pieces && byte < 256; ++byte)
            vocabulary.add(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">", 6);
        for (const char* marker : {"<|im_start|>", "<|im_end|>"}) vocabulary.add(marker, 3);
        for (const char* marker : {"<think>", "</think>", "<tool_call>"}) vocabulary.add(marker, 4);
        if (pieces) vocabulary.add("he", 1, -1.0F);
        else vocabulary.merge("h", "e");
        put_vocabulary(pieces ? "llama" : "gpt2");
        set("tokenizer.ggml.pre", "qwen2").set("tokenizer.ggml.eos_token_id", std::uint32_t{257});
        set("tokenizer.ggml.bos_token_id", std::uint32_t{256}).set("tokenizer.ggml.add_bos_token", false);
        set("tokenizer.chat_template",
            "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + "
            "'<|im_end|>\\n' }}"
            "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}");
    }

public:
    // Writes `vocabulary`, after a change.
    TinyModel& put_vocabulary(const std::string& model) {
        set("tokenizer.ggml.model", model).set_list("tokenizer.ggml.tokens", vocabulary.tokens);
        set_list("tokenizer.ggml.token_type", vocabulary.types);
        if (model == "llama") return set_list("tokenizer.ggml.scores", vocabulary.scores);
        return set_list("tokenizer.ggml.merges", vocabulary.merges);
    }

private:
    void write_layer(const std::string& kind, int layer, const std::string& block) {
        vector(block + "attn_norm.weight", {kWidth});
        if (latent_) write_latent(block);
        else write_grouped(kind, block);
        vector(block + (biases_ ? "post_attention_norm.weight" : "ffn_norm.weight"), {kWidth});
        if (kind == "gemma3") {
            vector(block + "post_attention_norm.weight", {kWidth});
            vector(block + "post_ffw_norm.weight", {kWidth});
        }
        const bool experts = moe_ && !(latent_ && layer == 0) && !(kind == "llama4" && layer % 2 == 0);
        const std::string suffix = experts ? "_exps" : "";
        const auto stack = [&](std::int64_t row, std::int64_t rows) {
            return experts ? std::vector<std::int64_t>{row, rows, kExperts} : std::vector<std::int64_t>{row, rows};
        };
        matrix(block + "ffn_gate" + suffix + ".weight", stack(kWidth, kFfn));
        matrix(block + "ffn_up" + suffix + ".weight", stack(kWidth, kFfn));
        matrix(block + "ffn_down" + suffix + ".weight", stack(kFfn, kWidth));
        if (!experts) return;
        vector(block + "ffn_gate_inp.weight", {kWidth, kExperts});
        if (latent_ && !old_) vector(block + "exp_probs_b.bias", {kExperts});
        if (shared_) {
            matrix(block + "ffn_gate_shexp.weight", {kWidth, kFfn});
            matrix(block + "ffn_up_shexp.weight", {kWidth, kFfn});
            matrix(block + "ffn_down_shexp.weight", {kFfn, kWidth});
        }
        if (!biases_) return;
        vector(block + "ffn_gate_inp.bias", {kExperts});
        vector(block + "ffn_gate_exps.bias", {kFfn, kExperts});
        vector(block + "ffn_up_exps.bias", {kFfn, kExperts});
        vector(block + "ffn_down_exps.bias", {kWidth, kExperts});
    }

    void write_grouped(const std::string& kind, const std::string& block) {
        const std::int64_t queries = kHeads * head_size_;
        matrix(block + "attn_q.weight", {kWidth, queries});
        matrix(block + "attn_k.weight", {kWidth, queries / 2});
        matrix(block + "attn_v.weight", {kWidth, queries / 2});
        matrix(block + "attn_output.weight", {queries, kWidth});
        if (kind == "qwen2" || biases_) {
            vector(block + "attn_q.bias", {queries});
            vector(block + "attn_k.bias", {queries / 2});
            vector(block + "attn_v.bias", {queries / 2});
        }
        if (kind == "qwen3" || kind == "qwen3moe" || kind == "gemma3") {
            vector(block + "attn_q_norm.weight", {head_size_});
            vector(block + "attn_k_norm.weight", {head_size_});
        }
        if (!biases_) return;
        vector(block + "attn_output.bias", {kWidth});
        vector(block + "attn_sinks.weight", {kHeads});
    }

    void write_latent(const std::string& block) {
        if (old_) {
            matrix(block + "attn_q.weight", {kWidth, kHeads * 48});
            matrix(block + "attn_kv_b.weight", {32, kHeads * 64});
        } else {
            matrix(block + "attn_q_a.weight", {kWidth, 32});
            vector(block + "attn_q_a_norm.weight", {32});
            matrix(block + "attn_q_b.weight", {32, kHeads * 48});
            matrix(block + "attn_k_b.weight", {32, 32, kHeads});
            matrix(block + "attn_v_b.weight", {32, 32, kHeads});
        }
        matrix(block + "attn_kv_a_mqa.weight", {kWidth, 48});
        vector(block + "attn_kv_a_norm.weight", {32});
        matrix(block + "attn_output.weight", {kHeads * 32, kWidth});
    }

    std::uint32_t next() { return random_ = random_ * 1664525U + 1013904223U; }

    void vector(const std::string& name, std::vector<std::int64_t> ne) {
        std::string bytes;
        std::int64_t count = 1;
        for (const std::int64_t extent : ne) count *= extent;
        for (std::int64_t i = 0; i < count; ++i)
            GgufWriter::put(bytes, 0.5F + static_cast<float>(next() >> 16U) / 65536.0F);
        tensors.push_back(
            {name, std::move(ne), static_cast<std::int32_t>(GgufWriter::TensorType::F32), std::move(bytes)});
    }
    void matrix(const std::string& name, std::vector<std::int64_t> ne) {  // Q8_0, scale 2^-8
        std::string bytes;
        std::int64_t count = 1;
        for (const std::int64_t extent : ne) count *= extent;
        for (std::int64_t i = 0; i < count; ++i) {
            if (i % 32 == 0) GgufWriter::put(bytes, std::uint16_t{0x1C00});
            bytes.push_back(static_cast<char>(next() >> 24U));
        }
        tensors.push_back(
            {name, std::move(ne), static_cast<std::int32_t>(GgufWriter::TensorType::Q8_0), std::move(bytes)});
    }

    std::string prefix_;
    bool latent_ = false, old_ = false, moe_ = false, shared_ = false, biases_ = false;
    int layers_ = 2;
    std::int64_t head_size_ = 16;
    std::uint32_t random_ = 7;
};

}  // namespace sluice::test
