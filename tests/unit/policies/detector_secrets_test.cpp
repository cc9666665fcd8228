#include "policies/sensitivity/token_prefixes.hpp"
#include "sensitivity_text.hpp"

namespace sluice::policies {
namespace {

std::string body_of(const detail::TokenPrefix& entry) {
    switch (entry.alphabet) {
        case detail::Alphabet::Upper: return made_up(entry.least, "Q7WE2RTY3UP5AS6DFGH4JKLZXCVBNM");
        case detail::Alphabet::Hex: return made_up_hex(entry.least);
        default: return made_up(entry.least);
    }
}

TEST(Tokens, EveryVendorPrefixIsFoundWithItsBody) {
    for (const auto& entry : detail::kTokenPrefixes) {
        const std::string token = std::string{entry.prefix} + body_of(entry);
        EXPECT_EQ(found("API_KEY", "use " + token + " here"), token);
    }
}

TEST(Tokens, TooShortOrMonotonousBodiesAreNot) {
    for (const auto& entry : detail::kTokenPrefixes) {
        const std::string prefix{entry.prefix};
        EXPECT_EQ(types("use " + prefix + std::string(entry.least, 'a') + " here"), "") << prefix;
        EXPECT_EQ(types("the prefix " + prefix + " is known"), "") << prefix;
    }
}

TEST(Tokens, OurOwnKeysAreSecretsToo) {
    EXPECT_EQ(types("Authorization: Bearer sk-"
                    "sluice-" +
                    made_up(43))
                  .substr(0, 7),
              "API_KEY");
}

TEST(Tokens, AnAwsSecretIsFoundNearItsKeyId) {
    const std::string id = "AKIA" + made_up(16, "Q7WE2RTY3UP5AS6DFGH4JKLZXCVBNM");
    const std::string secret = made_up(20) + "/" + made_up(19, "zY8xW7vU6tS5rQ4pO3nM2lK1jI0hG");
    EXPECT_EQ(types(id + "\n" + secret), "API_KEY API_KEY");
    EXPECT_EQ(types(secret), "");
    EXPECT_EQ(types(id + " at commit " + made_up_hex(40)), "API_KEY");
}

TEST(Tokens, AzureDiscordAndTelegramShapes) {
    EXPECT_EQ(types("secret is " + made_up(3) + "8Q~" + made_up(33)), "API_KEY");
    EXPECT_EQ(types("bot MT" + made_up(24) + "." + made_up(6) + "." + made_up(30)), "API_KEY");
    EXPECT_EQ(types("bot 123456789:AA" + made_up(33)), "API_KEY");
}

TEST(Tokens, JwtNeedsAHeader) {
    const std::string header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";  // {"alg":"HS256","typ":"JWT"}
    const std::string token = header + "." + made_up(40) + "." + made_up(43);
    EXPECT_EQ(found("JWT", "token " + token + "."), token);
    EXPECT_EQ(types("eyJ" + made_up(33) + "." + made_up(20) + "." + made_up(20)), "");
}

TEST(PrivateKeys, BlocksAreFoundWholeEscapedCutOrEncoded) {
    const std::string begin =
        "-----BEGIN RSA PRIVATE "
        "KEY-----";
    const std::string end =
        "-----END RSA PRIVATE "
        "KEY-----";
    const std::string block = begin + "\n" + made_up(64) + "\n" + made_up(30) + "==\n" + end;
    EXPECT_EQ(found("PRIVATE_KEY", "here:\n" + block + "\nthanks"), block);
    EXPECT_EQ(types(R"({"private_key":")" + begin + "\\n" + made_up(64) + "\\n" + end + "\\n\"}"), "PRIVATE_KEY");
    EXPECT_EQ(types(begin + "\n" + made_up(64)), "PRIVATE_KEY");
    EXPECT_EQ(types("-----BEGIN PGP PRIVATE KEY "
                    "BLOCK-----\n\n" +
                    made_up(64)),
              "PRIVATE_KEY");
    EXPECT_EQ(types("data: LS0tLS1CRUdJTi"
                    "BSU0EgUFJJVkFURSBLRVktLS0tLQ" +
                    made_up(40)),
              "PRIVATE_KEY");
    EXPECT_EQ(types("-----BEGIN PUBLIC KEY-----\n" + made_up(64) + "\n-----END PUBLIC KEY-----"), "");
    EXPECT_EQ(types("-----BEGIN CERTIFICATE-----\n" + made_up(64)), "");
}

TEST(UrlPasswords, AreFoundInAnyScheme) {
    EXPECT_EQ(found("URL_CREDENTIALS", "connect postgres://app:tr0ub4dor@db.internal:5432/main now"),
              "postgres://app:tr0ub4dor@db.internal:5432/main");
    EXPECT_EQ(types("redis://:s3cr3tpw@cache:6379"), "URL_CREDENTIALS");
}

TEST(UrlPasswords, PlaceholdersAndReferencesAreNot) {
    for (const auto* text :
         {"postgres://user:password@localhost/db", "postgres://app:${PASSWORD}@db", "https://example.org:8080/a@b",
          "http://a:b", "mysql://root:<password>@db", "amqp://guest:guest@localhost"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Assignments, SecretsAreFoundInTheFormsOfManyFiles) {
    for (const auto* text :
         {"password = \"tr0ub4dor&3\"", "DB_PASSWORD=tr0ub4dor", "\"password\": \"tr0ub4dor\"", "password: tr0ub4dor",
          "'passwd' => 'tr0ub4dor'", "<password>tr0ub4dor</password>", "{\\\"password\\\": \\\"tr0ub4dor\\\"}",
          "mysql --password tr0ub4dor", "the password is tr0ub4dor!", "Das Passwort lautet tr0ub4dor",
          "IDENTIFIED BY 'tr0ub4dor'", "dbPass = 'tr0ub4dor'", "?user=a&password=tr0ub4dor&x=1"})
        EXPECT_EQ(types(text), "PASSWORD") << text;
    const std::string token = made_up(32);
    for (const auto* name : {"api_key", "X-Api-Key", "CLIENT_SECRET", "access-token", "secretKey", "weather_key"})
        EXPECT_EQ(found("API_KEY", std::string{name} + ": " + token), token) << name;
    EXPECT_EQ(found("API_KEY", "curl -H 'Authorization: Bearer " + token + "'"), token);
}

TEST(Assignments, CodeReferencesPlaceholdersAndOtherKeysAreNot) {
    for (const auto* text : {"password = get_password()",
                             "password = user.password",
                             "password: ${DB_PASSWORD}",
                             "password=<your password>",
                             "password: string",
                             "password = None",
                             "if password == other",
                             "std::string password;",
                             "password: changeme",
                             "password=********",
                             "max_tokens: 4096",
                             "next_token=abcdef1234567890",
                             "public_key: abcdef1234567890abcdef12",
                             "cache_key = 9f8e7d6c5b4a39281706f5e4",
                             "compass: north-west-3",
                             "the password is required",
                             "token: str",
                             "password_length = 12",
                             "Enter your password: ",
                             "forgot password? reset it",
                             "idempotency-key: 9f8e7d6c5b4a39281706f5e4"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Secrets, ConfigurationNamesAValueOnTheLineBefore) {
    const std::string token = made_up(24);
    for (const std::string& text : std::vector<std::string>{"env:\n  - name: DB_PASSWORD\n    value: " + token, "{\"name\": \"API_TOKEN\", \"value\": \"" + token + "\"}",
                                   "variable \"registry_token\" {\n  default = \"" + token + "\"\n}", "<add key=\"SmtpPassword\" value=\"" + token + "\" />",
                                   "<password type=\"plain\">" + token + "</password>", "registryToken:             '" + token + "'", "token_value=\"" + token + "\"",
                                   "  secret_key_base: " + token, "db_password_2 = '" + token + "'"})
        EXPECT_EQ(found(text.find("assword") != std::string::npos || text.find("PASSWORD") != std::string::npos ? "PASSWORD" : "API_KEY", text), token) << text;
    for (const std::string& text : std::vector<std::string>{"- name: LOG_LEVEL\n  value: " + token.substr(0, 12), "variable \"region\" {\n  default = \"eu-central-1\"\n}", "- name: DB_PASSWORD\n  value: ${DB_PASSWORD}",
                                   "<input name=\"authenticity_token\" value=\"" + token + "\">", "- name: DB_PASSWORD\n  secret: none\n- value: " + token})
        EXPECT_EQ(found("PASSWORD", text) + found("API_KEY", text), "") << text;
}

TEST(Secrets, CommandLinesAndStatements) {
    const std::string token = made_up(24);
    EXPECT_EQ(found("PASSWORD", "psexec \\\\10.1.2.3 -u Operator -p brindlewood shutdown"), "brindlewood");
    EXPECT_EQ(found("API_KEY", "join --discovery-token " + token + " --port 80"), token);
    EXPECT_EQ(found("PASSWORD", "ALTER USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY 'tr0ub4dor'"), "tr0ub4dor");
    for (const std::string& text : std::vector<std::string>{"mysql -u root -p inventory", "docker run -u node -p 8080:80 image", "psexec -u Operator -p %SECRET% cmd", "python -u train.py -p settings",
                                   "run --max-tokens 4096", "run --token-file ./token.txt", "psexec -u Operator -p PASSWORD cmd"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Secrets, VendorsWithoutALetterInFront) {
    const std::string hex = made_up_hex(32);
    EXPECT_EQ(found("API_KEY", "m = '" + hex + "-us14'"), hex + "-us14");
    EXPECT_EQ(found("API_KEY", "1000." + hex + "." + hex), "1000." + hex + "." + hex);
    EXPECT_EQ(found("API_KEY", "app 1402817364520918|" + made_up(27)), "1402817364520918|" + made_up(27));
    EXPECT_EQ(found("API_KEY", "https://flows.example.net/webhook/" + hex + "/" + hex), "webhook/" + hex + "/" + hex);
    EXPECT_EQ(found("API_KEY", "TOKEN k_" + made_up(30)), "k_" + made_up(30));
    EXPECT_EQ(types("https://docs.example.net/webhook/how-to-register-a-new-listener"), "");
    EXPECT_EQ(types("1000.5 and 1402817364520918|ordinary"), "");
}

TEST(Secrets, APuttyKeyIsAPrivateKey) {
    const std::string body = made_up(64) + "\n" + made_up(40) + "\n";
    EXPECT_EQ(types("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPrivate-Lines: 2\n" + body + "Private-MAC: " + made_up_hex(40)).substr(0, 11), "PRIVATE_KEY");
    EXPECT_EQ(types("Private-Lines: 2\nnothing"), "");
}

TEST(Secrets, ATokenIsJudgedByItsWholeBody) {
    EXPECT_EQ(types("xoxb-" + std::string("402716385920-581937264015-") + made_up(24)), "API_KEY");
    EXPECT_EQ(types("user AKIANXXVVHUWLBANALBB here"), "API_KEY");  // capitals only, nine different ones
    for (const std::string text : {"AKIAXXXXXXXXXXXXXXXX", "AKIAABCDEFGHIJKLMNOP", "AKIAAAAABBBBCCCCDDDD", "xoxb-000000000000-000000000000", "xoxb-402716385920-581937264015"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(Lookalikes, HashesUuidsAndEncodedDataAreNot) {
    EXPECT_EQ(types("commit " + made_up_hex(40)), "");
    EXPECT_EQ(types("sha256:" + made_up_hex(64)), "");
    EXPECT_EQ(types("id 1a5347f0-2b7d-1c4e-af28-7cd2926268ba"), "");
    EXPECT_EQ(types("data:image/png;base64," + made_up(200)), "");
    EXPECT_EQ(types("sk-learn and npm_config_registry, hf_hub, xoxo"), "");
}

}  // namespace
}  // namespace sluice::policies
