// The engine from request to reply: texts become vectors.
#include "engine_fixture.hpp"

#include <bit>
#include <cmath>

namespace sluice::local_engine {
namespace {

using core::Json;

core::ChatRequest embedding(Json input, const Json& more = Json::object()) {
    Json body{{"model", "tiny"}, {"input", std::move(input)}};
    body.update(more);
    return core::ChatRequest::from_embeddings_json(std::move(body)).value();
}

double product(const Json& a, const Json& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i].get<double>() * b[i].get<double>();
    return sum;
}

TEST_F(EngineTest, TextsBecomeVectorsOfLengthOneWhateverStandsBesideThem) {
    Json many = Json::array();
    for (int i = 0; i < 40; ++i)
        many.push_back("text number " + std::to_string(i) + std::string(static_cast<std::size_t>(i * 7), 'z'));
    Call batch{embedding(many)};
    Call busy{chat({{"seed", 1}}), 60};
    start(busy);
    serve(batch);
    ASSERT_TRUE(batch.outcome.result) << core::describe(batch.outcome.result.error());
    const Json& data = batch.reply.whole.at("data");
    ASSERT_EQ(data.size(), 40U);
    EXPECT_EQ(batch.reply.whole.at("object"), "list");
    EXPECT_EQ(batch.reply.whole.at("usage").at("prompt_tokens"), batch.outcome.usage.prompt);
    EXPECT_EQ(batch.outcome.usage.completion, 0);
    for (const int i : {0, 7, 39}) {
        Call alone{embedding(many[static_cast<std::size_t>(i)])};
        serve(alone);
        const Json& vector = data[static_cast<std::size_t>(i)].at("embedding");
        EXPECT_EQ(data[static_cast<std::size_t>(i)].at("index"), i);
        EXPECT_NEAR(product(vector, vector), 1.0, 1e-4);
        EXPECT_NEAR(product(vector, alone.reply.whole.at("data")[0].at("embedding")), 1.0, 1e-4);
    }
    EXPECT_LT(product(data[0].at("embedding"), data[39].at("embedding")), 0.999);
    wait_until_idle();
    EXPECT_EQ(engine_->status().pages_used, 0U);
}

TEST_F(EngineTest, VectorsCanBeShorterAndPacked) {
    Call plain{embedding("hello", {{"dimensions", 16}})};
    serve(plain);
    const Json& vector = plain.reply.whole.at("data")[0].at("embedding");
    ASSERT_EQ(vector.size(), 16U);
    EXPECT_NEAR(product(vector, vector), 1.0, 1e-4);
    Call packed{embedding("hello", {{"dimensions", 16}, {"encoding_format", "base64"}})};
    serve(packed);
    const auto text = packed.reply.whole.at("data")[0].at("embedding").get<std::string>();
    ASSERT_EQ(text.size(), 88U);  // 64 bytes
    EXPECT_TRUE(text.ends_with("=="));
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::uint64_t bits = 0;  // the first six letters hold the first float
    for (int i = 0; i < 6; ++i) bits = bits << 6U | letters.find(text[static_cast<std::size_t>(i)]);
    const auto big = static_cast<std::uint32_t>(bits >> 4U);
    EXPECT_FLOAT_EQ(std::bit_cast<float>(__builtin_bswap32(big)), vector[0].get<float>());
    Call wide{embedding("hello", {{"dimensions", 60000}})};
    serve(wide);
    EXPECT_EQ(wide.outcome.result.error().field, "dimensions");
    Call longer{embedding(Json::array({"a", std::string(40000, 'y')}))};
    serve(longer);
    EXPECT_EQ(longer.outcome.result.error().field, "input[1]");
}

}  // namespace
}  // namespace sluice::local_engine
