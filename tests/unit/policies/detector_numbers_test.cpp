#include "policies/sensitivity/scan.hpp"
#include "sensitivity_text.hpp"

namespace sluice::policies {
namespace {

TEST(Cards, EveryIssuerIsFoundInItsLength) {
    for (const auto* card :
         {"4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005",
          "6011111111111117", "3530111333300000", "30569309025904", "38520000023237"})
        EXPECT_EQ(found("CREDIT_CARD", std::string{"my card is "} + card + "."), card);
}

TEST(Cards, GroupsWithSpacesDashesAndNoBreakSpacesAreOneNumber) {
    EXPECT_EQ(found("CREDIT_CARD", "pay 4111 1111 1111 1111 now"), "4111 1111 1111 1111");
    EXPECT_EQ(found("CREDIT_CARD", "pay 4111-1111-1111-1111 now"), "4111-1111-1111-1111");
    EXPECT_EQ(found("CREDIT_CARD", "amex 3782 822463 10005"), "3782 822463 10005");
    EXPECT_EQ(types("pay 4111\xc2\xa0"
                    "1111\xc2\xa0"
                    "1111\xc2\xa0"
                    "1111 now"),
              "CREDIT_CARD");
    EXPECT_EQ(found("CREDIT_CARD", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"), "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1");
    EXPECT_EQ(found("CREDIT_CARD", "2 cards: 12 4111 1111 1111 1111"), "4111 1111 1111 1111");
}

TEST(Cards, WrongCheckDigitLengthOrIssuerIsNoCard) {
    EXPECT_EQ(types("card 4111111111111112"), "");
    EXPECT_EQ(types("card 41111111111111"), "");
    EXPECT_EQ(types("device 9999999999999995"), "");
    EXPECT_EQ(types("0000 0000 0000 0000"), "");
    EXPECT_EQ(types("x4111111111111111"), "");
    EXPECT_EQ(types("41111111111111110"), "");
}

TEST(Cards, HarmlessNumbersThatPassTheCheckNeedMoreThanLuck) {
    EXPECT_EQ(types("order 4111111111111111 has shipped"), "");
    EXPECT_EQ(types("order paid with card 4111111111111111"), "CREDIT_CARD");
    EXPECT_EQ(types("img_4111111111111111.jpg"), "");
}

TEST(Cards, ScoreGrowsWithContext) {
    EXPECT_LT(scan("4111111111111111").front().score, scan("visa card 4111111111111111").front().score);
}

TEST(SocialSecurity, DashedNumbersAndNamedOnesAreFound) {
    EXPECT_EQ(found("US_SSN", "his is 536-22-1847."), "536-22-1847");
    EXPECT_EQ(found("US_SSN", "SSN 536 22 1847"), "536 22 1847");
    EXPECT_EQ(found("US_SSN", "social security number: 536221847"), "536221847");
}

TEST(SocialSecurity, ImpossibleAndUnnamedNumbersAreNot) {
    for (const auto* text :
         {"000-12-3456", "666-12-3456", "912-12-3456", "536-00-1847", "536-22-0000", "536221847", "536 22 1847",
          "536.22.1847", "lot 536-22-1847", "536-22-18475", "2536-22-1847", "536-22-1847-1"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Phones, InternationalAndNationalFormsAreFound) {
    EXPECT_EQ(found("PHONE", "ring +49 (0)30 901820-55 please"), "+49 (0)30 901820-55");
    EXPECT_EQ(found("PHONE", "+14155550132"), "+14155550132");
    EXPECT_EQ(found("PHONE", "(415) 555-0132"), "(415) 555-0132");
    EXPECT_EQ(found("PHONE", "at 415-555-0132, thanks"), "415-555-0132");
    EXPECT_EQ(found("PHONE", "at 1-800-555-0132"), "1-800-555-0132");
    EXPECT_EQ(found("PHONE", "Telefon 030 901820"), "030 901820");
    EXPECT_EQ(found("PHONE", "call 4155550132 tonight"), "4155550132");
}

TEST(Phones, DatesVersionsSumsAndIdentifiersAreNot) {
    for (const auto* text :
         {"on 2025-01-15", "call me on 2025-01-15", "1.2.3.4", "192.168.100.200", "3+12345678901", "UTC+02:00",
          "id 4155550132", "415 555 0132 rows", "v10.20.30", "9780306406157", "call 12345.67"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Iban, CountryLengthAndCheckDigitsDecide) {
    EXPECT_EQ(found("IBAN", "an DE89 3704 0044 0532 0130 00 bitte"), "DE89 3704 0044 0532 0130 00");
    EXPECT_EQ(found("IBAN", "gb82west12345698765432"), "gb82west12345698765432");
    EXPECT_EQ(found("IBAN", "NO9386011117947"), "NO9386011117947");
    EXPECT_EQ(types("DE88 3704 0044 0532 0130 00"), "");
    EXPECT_EQ(types("DE89 3704 0044 0532 0130"), "");
    EXPECT_EQ(types("ZZ89370400440532013000"), "");
    EXPECT_EQ(types("DE893704004405320130001"), "");
}

TEST(Emails, AddressesAreFoundWithoutWhatSurroundsThem) {
    EXPECT_EQ(found("EMAIL", "write to <anna.berg+x@mail.example.org>."), "anna.berg+x@mail.example.org");
    EXPECT_EQ(found("EMAIL",
                    "\xe9\x82\xae\xe7\xae\xb1\xe6\x98\xaf"
                    "anna@berg.net\xef\xbc\x8c\xe7\x94\xb5"),
              "anna@berg.net");
    EXPECT_EQ(found("EMAIL", R"({"to":"x\nanna@berg.net"})"), "anna@berg.net");
}

TEST(Emails, RepositoriesVersionsFilesAndHandlesAreNot) {
    for (const auto* text :
         {"git@github.com:org/repo", "lodash@4.17.21", "logo@2x.png", "@anna", "a @ b.com", "anna@localhost", "anna@"})
        EXPECT_EQ(types(text), "") << text;
}

}  // namespace
}  // namespace sluice::policies
