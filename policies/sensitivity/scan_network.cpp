// Addresses of machines, and of money that machines keep.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

#include <openssl/sha.h>

namespace sluice::policies::detail {

std::size_t scan_dotted(Scan& scan, std::size_t at) {
    std::array<int, 4> part{};
    std::size_t i = at;
    for (std::size_t n = 0; n < 4; ++n) {
        const std::size_t begin = i;
        while (i < begin + 3 && is_digit(scan.at(i))) part[n] = part[n] * 10 + (scan.text[i++] - '0');
        if (i == begin || part[n] > 255 || (i - begin > 1 && scan.text[begin] == '0')) return 0;
        if (n < 3 && scan.at(i++) != '.') return 0;
    }
    const char after = scan.at(i);
    if (is_alnum(after) || after == '_' || after == '-' || (after == '.' && is_digit(scan.at(i + 1)))) return 0;
    const char before = at > 0 ? scan.text[at - 1] : ' ';
    if (before == '.' || before == '-' || before == '_' || before == 'v' || before == '=') return 0;
    const bool reserved = part[0] == 0 || part[0] == 10 || part[0] == 127 || part[0] >= 224 || (part[0] == 172 && part[1] >= 16 && part[1] < 32) ||
                          (part[0] == 192 && part[1] == 168) || (part[0] == 169 && part[1] == 254) || (part[0] == 192 && part[1] == 0 && part[2] == 2) ||
                          (part[0] == 198 && (part[1] == 18 || part[1] == 19 || (part[1] == 51 && part[2] == 100))) ||
                          (part[0] == 203 && part[1] == 0 && part[2] == 113) || (part[0] == 100 && part[1] >= 64 && part[1] < 128);
    const bool known_service = (part[0] == 8 && part[1] == 8) || (part[0] == 1 && part[1] <= 1) || (part[0] == 9 && part[1] == 9);
    const bool mask = part[0] == 255 || (part[3] == 0 && after == '/');
    if (reserved || known_service || mask) return 0;
    const bool version = part[0] < 20 && part[1] < 20 && part[2] < 40 && !scan.near(Context::Network, at);
    if (version || scan.near(Context::Harmless, at, 16)) return 0;
    return scan.add("IP_ADDRESS", at, i, scan.near(Context::Network, at) ? 0.85 : 0.6, "ipv4");
}

std::size_t scan_colons(Scan& scan, std::size_t at) {
    // Six pairs with ':' or '-' are a hardware address; eight groups, or fewer and "::", an IPv6 address.
    std::size_t i = at;
    std::size_t groups = 0;
    std::size_t pairs = 0;
    bool gap = false;
    const char joint = is_hex(scan.at(at + 1)) && is_hex(scan.at(at)) ? scan.at(at + 2) : '\0';
    const char mark = joint == '-' ? '-' : ':';
    while (groups < 9) {
        const std::size_t begin = i;
        while (i < begin + 4 && is_hex(scan.at(i))) ++i;
        if (i == begin) break;
        ++groups;
        pairs += i - begin == 2 ? 1U : 0U;
        if (groups == 1 && scan.at(i) != mark) return 0;  // most numbers
        if (scan.at(i) != mark) break;
        if (mark == ':' && scan.at(i + 1) == ':') {
            if (gap) return 0;
            gap = true;
            ++i;
        }
        if (!is_hex(scan.at(i + 1))) break;
        ++i;
    }
    if (is_alnum(scan.at(i)) || scan.at(i) == mark || (at > 0 && (scan.text[at - 1] == mark || scan.text[at - 1] == '.'))) return 0;
    const auto text = scan.text.substr(at, i - at);
    if (groups == 6 && pairs == 6 && !gap) {
        if (text.find_first_not_of("0:-") == std::string_view::npos || text.find_first_not_of("fF:-") == std::string_view::npos) return 0;
        return scan.add("MAC_ADDRESS", at, i, 0.75, "mac");
    }
    if (mark != ':' || !(groups == 8 || (gap && groups >= 3)) || text.size() < 9) return 0;
    const auto starts = [&](std::string_view prefix) { return equal_folded(text.substr(0, prefix.size()), prefix); };
    if (starts("fe80") || starts("fc") || starts("fd") || starts("2001:db8") || starts("ff0")) return 0;
    return scan.add("IP_ADDRESS", at, i, 0.7, "ipv6");
}

namespace {

bool base58check(std::string_view text) {
    constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    std::array<unsigned char, 25> bytes{};
    for (const char c : text) {
        const auto place = kAlphabet.find(c);
        if (place == std::string_view::npos) return false;
        unsigned carry = static_cast<unsigned>(place);
        for (std::size_t i = bytes.size(); i-- > 0;) {
            carry += bytes[i] * 58U;
            bytes[i] = static_cast<unsigned char>(carry & 0xffU);
            carry >>= 8U;
        }
        if (carry != 0) return false;
    }
    std::array<unsigned char, 32> once{};
    std::array<unsigned char, 32> twice{};
    SHA256(bytes.data(), 21, once.data());
    SHA256(once.data(), once.size(), twice.data());
    return std::equal(twice.begin(), twice.begin() + 4, bytes.begin() + 21);
}

// Checksum of BIP-173 (1) and BIP-350 (0x2bc830a3).
bool bech32(std::string_view text) {
    constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    constexpr std::array<unsigned, 5> kGenerator{0x3b6a57b2U, 0x26508e6dU, 0x1ea119faU, 0x3d4233ddU, 0x2a1462b3U};
    const auto split = text.rfind('1');
    if (split == std::string_view::npos) return false;
    unsigned check = 1;
    const auto feed = [&](unsigned value) {
        const unsigned top = check >> 25U;
        check = ((check & 0x1ffffffU) << 5U) ^ value;
        for (unsigned i = 0; i < 5; ++i)
            if ((top >> i & 1U) != 0) check ^= kGenerator[i];
    };
    for (const char c : text.substr(0, split)) feed(static_cast<unsigned char>(to_lower(c)) >> 5U);
    feed(0);
    for (const char c : text.substr(0, split)) feed(static_cast<unsigned char>(to_lower(c)) & 31U);
    for (const char c : text.substr(split + 1)) {
        const auto place = kAlphabet.find(to_lower(c));
        if (place == std::string_view::npos) return false;
        feed(static_cast<unsigned>(place));
    }
    return check == 1 || check == 0x2bc830a3U;
}

}  // namespace

std::size_t scan_wallet(Scan& scan, std::size_t at, std::size_t end) {
    const auto word = scan.text.substr(at, end - at);
    if (word.size() > 90) return 0;
    if ((word[0] == '1' || word[0] == '3') && word.size() <= 35 && base58check(word))
        return scan.add("CRYPTO_WALLET", at, end, 0.95, "base58check");
    if ((word.starts_with("bc1") || word.starts_with("BC1") || word.starts_with("ltc1") || word.starts_with("tb1")) && bech32(word))
        return scan.add("CRYPTO_WALLET", at, end, 0.95, "bech32");
    if (word.size() == 42 && word.starts_with("0x") && std::ranges::all_of(word.substr(2), is_hex)) {
        const bool mixed = std::ranges::any_of(word.substr(2), is_lower) && std::ranges::any_of(word.substr(2), is_upper);
        const bool named = scan.near(Context::Wallet, at);
        if (mixed || named) return scan.add("CRYPTO_WALLET", at, end, named ? 0.9 : 0.6, "ethereum");
    }
    return 0;
}

std::size_t scan_bic(Scan& scan, std::size_t at, std::size_t end) {
    const auto word = scan.text.substr(at, end - at);
    if (!std::ranges::all_of(word, [](char c) { return is_upper(c) || is_digit(c); }) || !std::ranges::all_of(word.substr(0, 6), is_upper)) return 0;
    if (!scan.near(Context::Bic, at, 24) && !scan.near_after(static_cast<Label>(Context::Bic), end)) return 0;
    return scan.add("SWIFT_BIC", at, end, 0.8, "bic");
}

}  // namespace sluice::policies::detail
