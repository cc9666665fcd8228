// Byte sequences against a running server: for each, the answers it gets and what becomes of the connection. A
// connection that stays open must answer a probe next: anything the server took for the beginning of another request
// would show.
#include "tests/unit/gateway/edge_raw_cases.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluice::gateway::testing {

namespace {

using raw::After;
using raw::Case;

class EdgeRaw : public ::testing::TestWithParam<Case> {
protected:
    // One server for all cases of a kind: what one leaves behind would meet the next.
    static void SetUpTestSuite() { server_.emplace(); }
    static void TearDownTestSuite() { server_.reset(); }
    static std::optional<TestServer> server_;
};

std::optional<TestServer> EdgeRaw::server_;

TEST_P(EdgeRaw, GetsItsAnswersAndNothingElse) {
    const Case& sample = GetParam();
    RawClient client(server_->port());
    client.send(sample.bytes);  // may fail half-way: the server answers early and stops reading after its bound
    if (sample.after == After::FinThenClosed) client.shutdown_send();
    for (std::size_t i = 0; i < sample.statuses.size(); ++i) {
        const auto answer = client.read_answer();
        ASSERT_TRUE(answer) << "no answer " << i;
        EXPECT_EQ(answer->status, sample.statuses[i]) << "answer " << i << ": " << answer->body;
        EXPECT_TRUE(answer->complete);
        EXPECT_FALSE(answer->header("x-request-id").empty());
        EXPECT_FALSE(answer->header("date").empty());
        if (answer->status >= 400) {
            EXPECT_EQ(answer->body.rfind(R"({"error":{"message":")", 0), 0U) << answer->body;
        }
    }
    if (sample.after == After::Open) {
        ASSERT_TRUE(client.send("GET /item/probe HTTP/1.1\r\nHost: sluice.test\r\n\r\n"));
        const auto probe = client.read_answer();
        ASSERT_TRUE(probe) << "the connection was closed";
        EXPECT_EQ(probe->status, 200);
        EXPECT_EQ(probe->body, "probe?");
    } else {
        EXPECT_TRUE(client.at_end()) << client.buffered();
    }
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(WellFormed, EdgeRaw, ::testing::ValuesIn(raw::well_formed()), case_name);
INSTANTIATE_TEST_SUITE_P(TransferEncoding, EdgeRaw, ::testing::ValuesIn(raw::transfer_encoding()), case_name);
INSTANTIATE_TEST_SUITE_P(ContentLength, EdgeRaw, ::testing::ValuesIn(raw::content_length()), case_name);
INSTANTIATE_TEST_SUITE_P(Chunks, EdgeRaw, ::testing::ValuesIn(raw::chunks()), case_name);
INSTANTIATE_TEST_SUITE_P(RequestLines, EdgeRaw, ::testing::ValuesIn(raw::request_lines()), case_name);
INSTANTIATE_TEST_SUITE_P(Fields, EdgeRaw, ::testing::ValuesIn(raw::fields()), case_name);
INSTANTIATE_TEST_SUITE_P(IdentityAndOrder, EdgeRaw, ::testing::ValuesIn(raw::identity_and_order()), case_name);

}  // namespace
}  // namespace sluice::gateway::testing
