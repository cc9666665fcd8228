// The words that give numbers and texts their meaning, in the languages where they are written in ASCII.
#include "policies/sensitivity/scan.hpp"

namespace sluice::policies::detail {

namespace {

struct Word {
    std::string_view word;
    Context context;
};

constexpr std::array kWords{Word{"phone", Context::Phone},
                            Word{"phones", Context::Phone},
                            Word{"telephone", Context::Phone},
                            Word{"tel", Context::Phone},
                            Word{"mobile", Context::Phone},
                            Word{"cell", Context::Phone},
                            Word{"cellphone", Context::Phone},
                            Word{"fax", Context::Phone},
                            Word{"whatsapp", Context::Phone},
                            Word{"call", Context::Phone},
                            Word{"dial", Context::Phone},
                            Word{"sms", Context::Phone},
                            Word{"telefon", Context::Phone},
                            Word{"telefonnummer", Context::Phone},
                            Word{"handy", Context::Phone},
                            Word{"handynummer", Context::Phone},
                            Word{"mobil", Context::Phone},
                            Word{"telefono", Context::Phone},
                            Word{"telefone", Context::Phone},
                            Word{"celular", Context::Phone},
                            Word{"cellulare", Context::Phone},
                            Word{"telefoon", Context::Phone},
                            Word{"telefonum", Context::Phone},

                            Word{"card", Context::Card},
                            Word{"cards", Context::Card},
                            Word{"visa", Context::Card},
                            Word{"mastercard", Context::Card},
                            Word{"amex", Context::Card},
                            Word{"cvv", Context::Card},
                            Word{"cvc", Context::Card},
                            Word{"credit", Context::Card},
                            Word{"debit", Context::Card},
                            Word{"kreditkarte", Context::Card},
                            Word{"kreditkartennummer", Context::Card},
                            Word{"karte", Context::Card},
                            Word{"carte", Context::Card},
                            Word{"tarjeta", Context::Card},
                            Word{"carta", Context::Card},

                            Word{"ssn", Context::SocialSecurity},
                            Word{"ssns", Context::SocialSecurity},
                            Word{"social", Context::SocialSecurity},

                            Word{"password", Context::Password},
                            Word{"passwd", Context::Password},
                            Word{"pwd", Context::Password},
                            Word{"passphrase", Context::Password},
                            Word{"passcode", Context::Password},
                            Word{"passwort", Context::Password},
                            Word{"kennwort", Context::Password},
                            Word{"passe", Context::Password},
                            Word{"contrasena", Context::Password},
                            Word{"contrase", Context::Password},
                            Word{"wachtwoord", Context::Password},
                            Word{"senha", Context::Password},

                            Word{"order", Context::Harmless},
                            Word{"invoice", Context::Harmless},
                            Word{"tracking", Context::Harmless},
                            Word{"parcel", Context::Harmless},
                            Word{"shipment", Context::Harmless},
                            Word{"sku", Context::Harmless},
                            Word{"part", Context::Harmless},
                            Word{"serial", Context::Harmless},
                            Word{"lot", Context::Harmless},
                            Word{"batch", Context::Harmless},
                            Word{"isbn", Context::Harmless},
                            Word{"ean", Context::Harmless},
                            Word{"upc", Context::Harmless},
                            Word{"imei", Context::Harmless},
                            Word{"device", Context::Harmless},
                            Word{"uuid", Context::Harmless},
                            Word{"guid", Context::Harmless},
                            Word{"timestamp", Context::Harmless},
                            Word{"epoch", Context::Harmless},
                            Word{"commit", Context::Harmless},
                            Word{"checksum", Context::Harmless},
                            Word{"trace", Context::Harmless},
                            Word{"bytes", Context::Harmless},

                            Word{"authorization", Context::Authorization}};

constexpr std::size_t kSlots = 256;

constexpr std::size_t slot_of(std::string_view word) {
    std::uint32_t hash = 2166136261U;
    for (const char c : word) hash = (hash ^ static_cast<unsigned char>(to_lower(c))) * 16777619U;
    return (hash ^ (hash >> 15U)) % kSlots;
}

// Open addressing; the index of a word plus one, 0 where there is none.
constexpr std::array<std::uint8_t, kSlots> kTable = [] {
    std::array<std::uint8_t, kSlots> table{};
    for (std::size_t i = 0; i < kWords.size(); ++i) {
        std::size_t slot = slot_of(kWords[i].word);
        while (table[slot] != 0) slot = (slot + 1) % kSlots;
        table[slot] = static_cast<std::uint8_t>(i + 1);
    }
    return table;
}();

}  // namespace

Context context_of(std::string_view word) {
    if (word.size() < 3 || word.size() > 18) return Context::None;
    for (std::size_t slot = slot_of(word); kTable[slot] != 0; slot = (slot + 1) % kSlots) {
        const Word& entry = kWords[kTable[slot] - 1U];
        if (equal_folded(word, entry.word)) return entry.context;
    }
    return Context::None;
}

}  // namespace sluice::policies::detail
