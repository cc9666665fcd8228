#include "policies/sensitivity/id_rules.hpp"
#include "policies/sensitivity/scan.hpp"
#include "sensitivity_text.hpp"

#include <algorithm>

namespace sluice::policies {
namespace {

using detail::IdRule;

// A value of the rule's shape that passes its check, found by trying; empty when none was.
std::string valid_value(const IdRule& rule) {
    std::uint64_t state = 88172645463325252U;
    const auto next = [&](std::size_t size) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        return static_cast<std::size_t>(state % size);
    };
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr std::string_view kBoth = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr std::string_view kDigits = "0123456789";
    for (int attempt = 0; attempt < 4'000'000; ++attempt) {
        std::string id;
        for (const char c : rule.shape) id += c == '9' ? kDigits[next(10)] : c == 'A' ? kLetters[next(26)] : kBoth[next(36)];
        // An even chance for the digits that letters may stand for.
        if (rule.name == "FR_NIR" || rule.name == "CL_RUT")
            for (std::size_t i = 0; i < id.size(); ++i)
                if (rule.shape[i] == 'X') id[i] = kDigits[next(10)];
        if (rule.check(id)) return id;
    }
    return {};
}

std::string first_label(const IdRule& rule) {
    auto label = std::string{rule.labels.substr(0, rule.labels.find(';'))};
    if (label.ends_with('*')) label.pop_back();
    return label;
}

TEST(Identifiers, EveryRowOfTheTableIsFoundBesideItsWord) {
    for (const IdRule& rule : detail::id_rules()) {
        const std::string id = valid_value(rule);
        ASSERT_FALSE(id.empty()) << rule.name;
        const std::string text = "the " + first_label(rule) + ": " + id + " is on file";
        const auto findings = Classifier{{}}.scan(text);
        const auto covers = [&](const core::Finding& finding) { return text.substr(finding.begin, finding.end - finding.begin) == id; };
        EXPECT_TRUE(std::ranges::any_of(findings, covers)) << rule.name << ' ' << text;
    }
}

TEST(Identifiers, AWrongCheckDigitIsNoIdentifierEvenBesideItsWord) {
    for (const auto* text : {"PESEL 44051401358", "BSN 123456789", "CPF 111.444.777-34", "Aadhaar 2234 5678 9012", "NHS number 943 476 5918",
                             "DNI 12345678A", "codice fiscale RSSMRA85T10A562T"})
        EXPECT_EQ(found("NATIONAL_ID", text), "") << text;
}

TEST(Identifiers, WordsAreKnownInNativeScriptAndInAnyCase) {
    EXPECT_EQ(found("NATIONAL_ID", "Мой инн 500100732259, спасибо"), "500100732259");
    EXPECT_EQ(found("NATIONAL_ID", "CÓDIGO: dni 12345678Z"), "12345678Z");
    EXPECT_EQ(found("NATIONAL_ID", "rodné číslo 736028/5163"), "736028/5163");
    EXPECT_EQ(found("NATIONAL_ID", "我的身份证号是11010519491231002X"), "11010519491231002X");
}

TEST(Identifiers, AWordBehindTheNumberCountsToo) {
    EXPECT_EQ(found("NATIONAL_ID", "44051401359 (PESEL)"), "44051401359");
}

TEST(Identifiers, TheHeadOfATableNamesItsColumn) {
    EXPECT_EQ(found("MEDICAL_RECORD", "visit,MRN,ward\n1,84736251,B\n"), "84736251");
    EXPECT_EQ(found("MEDICAL_RECORD", "visit,ward,beds\n1,84736251,B\n"), "");
}

TEST(Identifiers, BareNumbersSumsTimesAndOrdersAreNot) {
    for (const auto* text : {"order 44051401359 shipped", "1700000000123 ms", "44051401359 * 2", "build 20240131123456", "id 123456789",
                             "Compute 44051401359 + 17"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Identifiers, AccountsRoutingAndSortCodesNeedTheirWords) {
    EXPECT_EQ(types("account number 4417729903, routing number 021000021"), "BANK_ACCOUNT ROUTING_NUMBER");
    EXPECT_EQ(types("4417729903 and 021000021"), "");
    EXPECT_EQ(found("BANK_ACCOUNT", "sort code 20-00-55"), "20-00-55");
}

TEST(Network, PublicAddressesAreFoundReservedOnesAndVersionsAreNot) {
    EXPECT_EQ(found("IP_ADDRESS", "login from 81.2.69.142 today"), "81.2.69.142");
    EXPECT_EQ(found("MAC_ADDRESS", "device 3c:22:fb:9a:10:7e"), "3c:22:fb:9a:10:7e");
    for (const auto* text : {"listen 127.0.0.1:80", "10.1.2.3", "192.168.0.1", "192.0.2.7", "version 1.2.3.4", "at 12:30:45"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Wallets, ChecksumsDecide) {
    EXPECT_EQ(types("pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT"), "CRYPTO_WALLET");
    EXPECT_EQ(types("pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyU"), "");
    EXPECT_EQ(types("pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), "CRYPTO_WALLET");
}

TEST(Markings, CountWhereTheyMarkNotWhereTheyAreAskedAbout) {
    EXPECT_EQ(types("CONFIDENTIAL\nOur margin fell by 7% in May."), "CONFIDENTIAL");
    EXPECT_EQ(types("Streng vertraulich: Angebot 12"), "CONFIDENTIAL");
    EXPECT_EQ(types("社外秘：来期の計画は12億円"), "CONFIDENTIAL");
    EXPECT_EQ(types("ATTORNEY-CLIENT PRIVILEGED\nWe expect to settle for 3 million."), "LEGAL_PRIVILEGE");
    for (const auto* text : {"What does confidential mean?", "Explain attorney-client privilege.", "Was bedeutet streng vertraulich?"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Health, CountsOnlyBesideAPerson) {
    EXPECT_EQ(default_class("HEALTH_INFO"), core::DataClass::Public);
    const auto judged = [](std::string_view content) {
        auto body = core::Json{{"model", "m"}, {"messages", {{{"role", "user"}, {"content", content}}}}};
        return Classifier{{}}
            .classify(std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(std::move(body)).value()), {})
            .data_class();
    };
    EXPECT_EQ(judged("diagnosed with epilepsy, how is it treated"), core::DataClass::Public);
    EXPECT_EQ(judged("My name is Ida Lund, I was diagnosed with epilepsy"), core::DataClass::Restricted);
}

}  // namespace
}  // namespace sluice::policies
