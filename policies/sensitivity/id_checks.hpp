// Check digits, letters and dates of identifiers. Each takes the identifier without separators, letters in upper case,
// already of the right shape (see id_rules.hpp). Sources: the issuing authorities' published algorithms.
#pragma once

#include <string_view>

namespace sluice::policies::detail {

using IdCheck = bool (*)(std::string_view id);

int digit_sum(std::string_view digits, std::string_view weights);  // weights: one character each, '0' + weight
int remainder_of(std::string_view digits, int modulus);
bool valid_date(int year, int month, int day);  // year 0: any
bool verhoeff(std::string_view digits);
bool iso7064_11_10(std::string_view digits);
bool all_equal(std::string_view digits);

// Without a check of their own.
bool any_id(std::string_view id);

bool us_itin(std::string_view id);
bool us_npi(std::string_view id);
bool us_dea(std::string_view id);
bool us_mbi(std::string_view id);
bool us_routing(std::string_view id);
bool ca_sin(std::string_view id);
bool gb_nhs(std::string_view id);
bool gb_nino(std::string_view id);
bool gb_utr(std::string_view id);
bool ie_pps(std::string_view id);
bool fr_nir(std::string_view id);
bool luhn_id(std::string_view id);
bool de_tax(std::string_view id);
bool de_pension(std::string_view id);
bool mrz_731(std::string_view id);
bool at_svnr(std::string_view id);
bool ch_ahv(std::string_view id);
bool es_dni(std::string_view id);
bool es_nie(std::string_view id);
bool es_cif(std::string_view id);
bool pt_nif(std::string_view id);
bool it_cf(std::string_view id);
bool nl_bsn(std::string_view id);
bool be_nn(std::string_view id);
bool lu_nin(std::string_view id);
bool dk_cpr(std::string_view id);
bool se_pnr(std::string_view id);
bool no_fnr(std::string_view id);
bool fi_hetu(std::string_view id);
bool is_kt(std::string_view id);
bool baltic(std::string_view id);
bool lv_pk(std::string_view id);
bool pl_pesel(std::string_view id);
bool pl_nip(std::string_view id);
bool pl_regon(std::string_view id);
bool cz_rc(std::string_view id);
bool hu_taj(std::string_view id);
bool hu_tax(std::string_view id);
bool ro_cnp(std::string_view id);
bool bg_egn(std::string_view id);
bool gr_amka(std::string_view id);
bool gr_afm(std::string_view id);
bool jmbg(std::string_view id);
bool tr_tckn(std::string_view id);
bool ru_inn(std::string_view id);
bool ru_snils(std::string_view id);
bool ua_rnokpp(std::string_view id);
bool il_id(std::string_view id);
bool sa_id(std::string_view id);
bool ae_id(std::string_view id);
bool za_id(std::string_view id);
bool in_aadhaar(std::string_view id);
bool in_pan(std::string_view id);
bool in_gstin(std::string_view id);
bool cn_id(std::string_view id);
bool tw_id(std::string_view id);
bool hk_id(std::string_view id);
bool kr_rrn(std::string_view id);
bool jp_my_number(std::string_view id);
bool sg_nric(std::string_view id);
bool my_nric(std::string_view id);
bool th_id(std::string_view id);
bool id_nik(std::string_view id);
bool au_tfn(std::string_view id);
bool au_medicare(std::string_view id);
bool au_abn(std::string_view id);
bool au_acn(std::string_view id);
bool nz_ird(std::string_view id);
bool br_cpf(std::string_view id);
bool br_cnpj(std::string_view id);
bool mx_curp(std::string_view id);
bool mx_rfc(std::string_view id);
bool ar_cuit(std::string_view id);
bool cl_rut(std::string_view id);
bool co_nit(std::string_view id);
bool ec_ci(std::string_view id);
bool uy_ci(std::string_view id);
bool vin(std::string_view id);

}  // namespace sluice::policies::detail
