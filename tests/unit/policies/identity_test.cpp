#include "core/crypto.hpp"
#include "policies/identity/identity_store.hpp"
#include "policies/identity/key_ring.hpp"
#include "tests/unit/policies/ledger_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>

namespace sluice::policies::test {
namespace {

using core::Errc;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

class IdentityTest : public ::testing::Test {
protected:
    IdentityStore open() {
        auto store = IdentityStore::open(directory_.path());
        if (!store) throw std::runtime_error(describe(store.error()));
        return std::move(*store);
    }
    std::unique_ptr<KeyRing> ring(milliseconds every = milliseconds{0}) {
        auto opened = KeyRing::open(directory_.path(), every);
        if (!opened) throw std::runtime_error(describe(opened.error()));
        return std::move(*opened);
    }
    TemporaryDirectory directory_;
};

TEST_F(IdentityTest, AKeyIdentifiesItsTeamWithItsCaps) {
    auto store = open();
    ASSERT_TRUE(store.add_team("search", core::DataClass::Internal, {.daily = nano(5), .monthly = {}}));
    const auto made = store.create_key("search", "ci", {.daily = {}, .monthly = nano(9)});
    ASSERT_TRUE(made);
    const auto token = made->token.expose();
    EXPECT_EQ(token.size(), 53U);
    EXPECT_THAT(std::string{token}, ::testing::StartsWith("sk-sluice-"));
    EXPECT_EQ(made->key.shown, token.substr(0, 16));
    const auto caller = ring()->authenticate(token);
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->team_name, "search");
    EXPECT_EQ(caller->key_name, "ci");
    EXPECT_EQ(caller->floor, core::DataClass::Internal);
    EXPECT_EQ(caller->team_caps, (core::Caps{.daily = nano(5), .monthly = {}}));
    EXPECT_EQ(caller->key_caps, (core::Caps{.daily = {}, .monthly = nano(9)}));
}

TEST_F(IdentityTest, AnythingButTheWholeKeyIsUnknown) {
    auto store = open();
    ASSERT_TRUE(store.add_team("a"));
    const auto made = store.create_key("a", "k");
    const std::string token{made->token.expose()};
    const auto keys = ring();
    EXPECT_TRUE(keys->authenticate(token));
    for (std::size_t size = 0; size < token.size(); ++size) EXPECT_FALSE(keys->authenticate({token.data(), size}));
    for (std::size_t at = 0; at < token.size(); ++at) {
        auto other = token;
        other[at] = other[at] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(keys->authenticate(other));
    }
    EXPECT_FALSE(keys->authenticate(token + " "));
    EXPECT_FALSE(keys->authenticate(std::string(1 << 20, 'a')));
    EXPECT_FALSE(keys->authenticate("' OR 1=1 --"));
}

TEST_F(IdentityTest, NeitherTheKeyNorThePepperIsInTheDatabase) {
    auto store = open();
    ASSERT_TRUE(store.add_team("a"));
    const auto made = store.create_key("a", "k");
    const std::string token{made->token.expose()};
    for (const auto* name : {"identity.db", "identity.db-wal"}) {
        std::ifstream file{directory_.path() / name, std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
        EXPECT_THAT(bytes, Not(HasSubstr(token.substr(16))));
        EXPECT_THAT(bytes, Not(HasSubstr(std::string{core::to_hex(core::sha256(token))})));
    }
    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(directory_.path() / "pepper").permissions(),
              perms::owner_read | perms::owner_write);
    EXPECT_EQ(std::filesystem::status(directory_.path() / "identity.db").permissions(),
              perms::owner_read | perms::owner_write);
}

TEST_F(IdentityTest, ARevokedKeyStopsWithoutARestartAndStaysRevoked) {
    auto store = open();
    ASSERT_TRUE(store.add_team("a"));
    const auto made = store.create_key("a", "k");
    const auto keys = ring();
    EXPECT_TRUE(keys->authenticate(made->token.expose()));
    EXPECT_EQ(*keys->refresh_if_changed(), false);
    ASSERT_TRUE(store.revoke_key(made->key.id));
    EXPECT_EQ(*keys->refresh_if_changed(), true);
    EXPECT_FALSE(keys->authenticate(made->token.expose()));
    EXPECT_EQ(*keys->refresh_if_changed(), false);
    const auto first = store.list_keys()->front().revoked_nanoseconds;
    ASSERT_TRUE(first);
    ASSERT_TRUE(store.revoke_key(made->key.id));
    EXPECT_EQ(store.list_keys()->front().revoked_nanoseconds, first);
}

TEST_F(IdentityTest, TheRingFollowsChangesByItself) {
    auto store = open();
    ASSERT_TRUE(store.add_team("a"));
    const auto keys = ring(milliseconds{1});
    const auto made = store.create_key("a", "k");
    const auto eventually = [](const auto& condition) {  // bounded by the test's own time limit
        while (!condition()) std::this_thread::yield();
    };
    eventually([&] { return keys->authenticate(made->token.expose()) != nullptr; });
    ASSERT_TRUE(store.set_team_caps("a", {.daily = nano(3), .monthly = {}}));
    eventually([&] { return keys->authenticate(made->token.expose())->team_caps.daily == nano(3); });
    ASSERT_TRUE(store.set_team_floor("a", core::DataClass::Restricted));
    eventually([&] { return keys->authenticate(made->token.expose())->floor == core::DataClass::Restricted; });
    ASSERT_TRUE(store.set_key_caps(made->key.id, {.daily = {}, .monthly = nano(4)}));
    eventually([&] { return keys->authenticate(made->token.expose())->key_caps.monthly == nano(4); });
    ASSERT_TRUE(store.revoke_key(made->key.id));
    eventually([&] { return keys->authenticate(made->token.expose()) == nullptr; });
}

TEST_F(IdentityTest, NamesAreCheckedAndUnique) {
    auto store = open();
    for (const std::string bad : {"", " a", "a ", "a/b", "a\nb", "\xc3\xa4", "x'--"}) {
        const auto added = store.add_team(bad);
        ASSERT_FALSE(added) << bad;
        EXPECT_EQ(added.error().code, Errc::InvalidRequest);
    }
    EXPECT_FALSE(store.add_team(std::string(65, 'a')));
    ASSERT_TRUE(store.add_team(std::string(64, 'a')));
    ASSERT_TRUE(store.add_team("team one"));
    EXPECT_THAT(store.add_team("team one").error().detail, HasSubstr("already"));
    ASSERT_TRUE(store.create_key("team one", "k"));
    EXPECT_EQ(store.create_key("team one", "k").error().code, Errc::InvalidRequest);
    EXPECT_EQ(store.create_key("nobody", "k").error().code, Errc::NotFound);
    EXPECT_EQ(store.add_team("negative", core::DataClass::Public, {.daily = nano(-1), .monthly = {}}).error().code,
              Errc::InvalidRequest);
    EXPECT_EQ(store.set_team_caps("nobody", {}).error().code, Errc::NotFound);
    EXPECT_EQ(store.revoke_key({99}).error().code, Errc::NotFound);
    EXPECT_EQ(store.list_teams()->size(), 2U);
}

TEST_F(IdentityTest, KeysAreFoundByIdNameOrBeginning) {
    auto store = open();
    ASSERT_TRUE(store.add_team("a"));
    ASSERT_TRUE(store.add_team("b"));
    const auto one = store.create_key("a", "same");
    const auto two = store.create_key("b", "same");
    const auto three = store.create_key("b", "other");
    ASSERT_TRUE(one && two && three);
    EXPECT_EQ(store.find_key(std::to_string(two->key.id.value))->id, two->key.id);
    EXPECT_EQ(store.find_key("other")->id, three->key.id);
    EXPECT_EQ(store.find_key("same").error().code, Errc::InvalidRequest);
    EXPECT_EQ(store.find_key(one->key.shown)->id, one->key.id);
    EXPECT_EQ(store.find_key(std::string{one->token.expose()})->id, one->key.id);
    EXPECT_EQ(store.find_key("sk-sluice-").error().code, Errc::NotFound);
    EXPECT_EQ(store.list_keys("b")->size(), 2U);
}

TEST_F(IdentityTest, KeysWithoutTheirPepperAreNotTakenForGood) {
    {
        auto store = open();
        ASSERT_TRUE(store.add_team("a"));
        ASSERT_TRUE(store.create_key("a", "k"));
    }
    const auto pepper = directory_.path() / "pepper";
    std::filesystem::permissions(pepper, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    EXPECT_THAT(IdentityStore::open(directory_.path()).error().detail, HasSubstr("chmod 600"));
    std::filesystem::remove(pepper);
    const auto opened = IdentityStore::open(directory_.path());
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("is missing"));
    EXPECT_FALSE(std::filesystem::exists(pepper));
}

}  // namespace
}  // namespace sluice::policies::test
