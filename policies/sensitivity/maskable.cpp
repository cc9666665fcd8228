#include "policies/sensitivity/maskable.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <array>

namespace sluice::policies {

namespace {

using namespace std::string_view_literals;

constexpr auto kMaskable = std::to_array<std::string_view>({"ADDRESS",
                                                            "AGE",
                                                            "BANK_ACCOUNT",
                                                            "CARD_EXPIRY",
                                                            "CREDIT_CARD",
                                                            "CRYPTO_WALLET",
                                                            "CUSTOMER_ID",
                                                            "DATE",
                                                            "DATE_OF_BIRTH",
                                                            "DRIVER_LICENSE",
                                                            "EMAIL",
                                                            "GENDER",
                                                            "HEALTH_ID",
                                                            "IBAN",
                                                            "IP_ADDRESS",
                                                            "LICENSE_PLATE",
                                                            "LOCATION",
                                                            "MAC_ADDRESS",
                                                            "MEDICAL_RECORD",
                                                            "NATIONAL_ID",
                                                            "NRP",
                                                            "ORGANIZATION",
                                                            "ORG_TERM",
                                                            "OTHER_QUASI",
                                                            "PASSPORT",
                                                            "PERSON",
                                                            "PHONE",
                                                            "POSTCODE",
                                                            "ROUTING_NUMBER",
                                                            "SORT_CODE",
                                                            "SWIFT_BIC",
                                                            "TAX_ID",
                                                            "TITLE",
                                                            "URL",
                                                            "USERNAME",
                                                            "VEHICLE_ID",
                                                            "VIN"});

constexpr auto kNever =
    std::to_array<std::string_view>({"API_KEY", "CARD_CVV", "DB_URL", "HEALTH_INFO", "JWT", "LEGAL_PRIVILEGE",
                                     "PASSWORD", "PRIVATE_KEY", "SECRET", "SECRET_KEY", "TOKEN", "URL_CREDENTIALS"});

// Parts of names that only credentials have: types that detectors will get must not slip through.
constexpr auto kNeverWords =
    std::to_array<std::string_view>({"KEY", "TOKEN", "PASSWORD", "PASSPHRASE", "SECRET", "CREDENTIAL", "CREDENTIALS",
                                     "CVV", "PRIVILEGE", "PRIVILEGED", "LEGAL", "DIAGNOSIS"});

bool contains_word(std::string_view type, std::string_view word) {
    for (std::size_t at = 0; at <= type.size();) {
        const std::size_t end = std::min(type.find('_', at), type.size());
        if (type.substr(at, end - at) == word) return true;
        at = end + 1;
    }
    return false;
}

// "DE_TAX_ID", "US_SSN": identifiers of a country.
bool names_a_country(std::string_view type) {
    return type.size() > 3 && type[2] == '_' && detail::is_upper(type[0]) && detail::is_upper(type[1]);
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

constexpr auto kCodeWords = std::to_array<std::string_view>({"cvv"sv,
                                                             "cvc"sv,
                                                             "cvn"sv,
                                                             "csc"sv,
                                                             "cid"sv,
                                                             "security code"sv,
                                                             "security no"sv,
                                                             "card verification"sv,
                                                             "verification code"sv,
                                                             "verification value"sv,
                                                             "prüfziffer"sv,
                                                             "prüfnummer"sv,
                                                             "kartenprüf"sv,
                                                             "sicherheitscode"sv,
                                                             "code de sécurité"sv,
                                                             "cryptogramme"sv,
                                                             "código de seguridad"sv,
                                                             "codigo de seguridad"sv,
                                                             "codice di sicurezza"sv,
                                                             "código de segurança"sv,
                                                             "beveiligingscode"sv,
                                                             "安全码"sv,
                                                             "セキュリティコード"sv,
                                                             "код безопасности"sv});

// Three or four digits by themselves, within a few characters behind a code word.
bool code_behind(std::string_view text, std::size_t at) {
    constexpr std::size_t kReach = 24;
    const std::size_t limit = std::min(text.size(), at + kReach);
    while (at < limit && !detail::is_digit(text[at])) ++at;
    std::size_t end = at;
    while (end < text.size() && detail::is_digit(text[end])) ++end;
    return at < limit && (end - at == 3 || end - at == 4);
}

}  // namespace

Masking masking_of(std::string_view type) {
    if (std::ranges::find(kNever, type) != kNever.end()) return Masking::Never;
    if (std::ranges::find(kMaskable, type) != kMaskable.end()) return Masking::Mask;
    if (std::ranges::any_of(kNeverWords, [&](std::string_view word) { return contains_word(type, word); }))
        return Masking::Never;
    return names_a_country(type) ? Masking::Mask : Masking::Unknown;
}

JsonPath parse_pointer(std::string_view pointer) {
    JsonPath path;
    while (pointer.starts_with('/')) {
        pointer.remove_prefix(1);
        const std::size_t end = std::min(pointer.find('/'), pointer.size());
        std::string step;
        for (std::size_t i = 0; i < end; ++i) {
            if (pointer[i] == '~' && i + 1 < end) step += pointer[++i] == '1' ? '/' : '~';
            else step += pointer[i];
        }
        path.push_back(std::move(step));
        pointer.remove_prefix(end);
    }
    return path;
}

bool may_hold_placeholder(const JsonPath& path) {
    if (path.empty()) return false;
    const auto step = [&](std::size_t i) { return i < path.size() ? std::string_view{path[i]} : std::string_view{}; };
    // JSON inside a string is held by text: whatever it says is text as well.
    const auto ends_at = [&](std::size_t size) { return path.size() == size || step(size) == "#"; };
    if (step(0) == "messages") {
        if (step(2) == "tool_calls") return step(4) == "function" && step(5) == "arguments" && ends_at(6);
        if (step(2) == "function_call") return step(3) == "arguments" && ends_at(4);
        if (!is_one_of(step(2), {"content", "reasoning_content", "reasoning", "refusal"})) return false;
        if (ends_at(3)) return true;
        return is_one_of(step(4), {"text", "refusal"}) && ends_at(5);
    }
    if (step(0) == "prediction") return step(1) == "content" && (ends_at(2) || (step(3) == "text" && ends_at(4)));
    if (is_one_of(step(0), {"tools", "functions", "response_format"})) return path.back() == "description";
    if (step(0) == "metadata") return path.size() == 2;
    return path.size() == 1 && is_one_of(step(0), {"user", "safety_identifier", "instructions", "system", "prompt"});
}

std::string printable_pointer(std::string_view pointer) {
    static constexpr auto kKnown = std::to_array<std::string_view>({"#",
                                                                    "arguments",
                                                                    "audio",
                                                                    "content",
                                                                    "custom",
                                                                    "data",
                                                                    "default",
                                                                    "description",
                                                                    "detail",
                                                                    "enum",
                                                                    "examples",
                                                                    "file",
                                                                    "file_data",
                                                                    "file_id",
                                                                    "filename",
                                                                    "function",
                                                                    "function_call",
                                                                    "functions",
                                                                    "id",
                                                                    "image_url",
                                                                    "input",
                                                                    "input_audio",
                                                                    "instructions",
                                                                    "items",
                                                                    "json_schema",
                                                                    "logit_bias",
                                                                    "max_completion_tokens",
                                                                    "max_tokens",
                                                                    "messages",
                                                                    "metadata",
                                                                    "model",
                                                                    "name",
                                                                    "parameters",
                                                                    "prediction",
                                                                    "prompt",
                                                                    "properties",
                                                                    "reasoning",
                                                                    "reasoning_content",
                                                                    "reasoning_effort",
                                                                    "refusal",
                                                                    "required",
                                                                    "response_format",
                                                                    "role",
                                                                    "safety_identifier",
                                                                    "schema",
                                                                    "stop",
                                                                    "stream_options",
                                                                    "system",
                                                                    "text",
                                                                    "title",
                                                                    "tool_call_id",
                                                                    "tool_calls",
                                                                    "tool_choice",
                                                                    "tools",
                                                                    "type",
                                                                    "url",
                                                                    "user",
                                                                    "web_search_options"});
    std::string out;
    for (const auto& step : parse_pointer(pointer)) {
        const bool position = !step.empty() && step.size() <= 6 && std::ranges::all_of(step, detail::is_digit);
        out += '/';
        out += position || std::ranges::find(kKnown, step) != kKnown.end() ? step : "*";
    }
    return out;
}

bool gives_card_security_code(std::string_view text) {
    std::string lower;
    lower.reserve(text.size());
    for (const char c : text) lower += detail::to_lower(c);
    for (const auto word : kCodeWords)
        for (auto at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1))
            if (code_behind(lower, at + word.size())) return true;
    return false;
}

}  // namespace sluice::policies
