#include "policies/sensitivity/id_rules.hpp"

#include "policies/sensitivity/scan.hpp"

#include <array>

namespace sluice::policies::detail {

namespace {

constexpr std::string_view kNational = "NATIONAL_ID";
constexpr std::string_view kTax = "TAX_ID";
constexpr std::string_view kHealth = "HEALTH_ID";
constexpr bool kLenient = true;
constexpr bool kStrict = false;

// clang-format off
constexpr std::array kRules{
    // North America
    IdRule{"US_ITIN", kNational, "999999999", "324", us_itin, 0.5, 0.95, kStrict, "itin;individual taxpayer*;taxpayer id*;tax id*;taxpayer number"},
    IdRule{"US_EIN", kTax, "999999999", "27", any_id, 0.05, 0.75, kStrict, "ein;employer identification*;federal tax id*;fein"},
    IdRule{"US_NPI", kHealth, "9999999999", "", us_npi, 0.15, 0.95, kLenient, "npi;national provider*;provider number;provider id"},
    IdRule{"US_DEA", kHealth, "AA9999999", "", us_dea, 0.5, 0.95, kLenient, "dea;drug enforcement*"},
    IdRule{"US_MBI", kHealth, "9AX9AX9AA99", "434", us_mbi, 0.65, 0.97, kStrict, "mbi;medicare*;beneficiary id*;beneficiary number"},
    IdRule{"CA_SIN", kNational, "999999999", "333", ca_sin, 0.25, 0.95, kStrict, "sin;social insurance*;nas;numero d'assurance sociale;assurance sociale;n.a.s."},
    IdRule{"CA_HEALTH_ON", kHealth, "9999999999", "433", luhn_id, 0.15, 0.85, kStrict, "ohip;health card;health insurance number;carte sante;carte soleil"},
    IdRule{"MX_CURP", kNational, "AAAA999999AAAAAAX9", "", mx_curp, 0.9, 0.98, kLenient, "curp;clave unica*;clave curp"},
    IdRule{"MX_RFC", kTax, "AAAA999999XXX", "463", mx_rfc, 0.55, 0.95, kStrict, "rfc;registro federal*"},
    IdRule{"MX_RFC", kTax, "AAA999999XXX", "363", mx_rfc, 0.5, 0.95, kStrict, "rfc;registro federal*"},
    IdRule{"MX_NSS", kHealth, "99999999999", "", luhn_id, 0.1, 0.85, kStrict, "nss;imss;numero de seguro social;seguro social"},
    // Britain and Ireland
    IdRule{"UK_NHS", kHealth, "9999999999", "334", gb_nhs, 0.25, 0.95, kStrict, "nhs;n.h.s.;national health service*"},
    IdRule{"UK_NINO", kNational, "AA999999A", "22221", gb_nino, 0.6, 0.95, kStrict, "nino;national insurance*;ni number;ni no;n.i. number;nat ins*"},
    IdRule{"UK_UTR", kTax, "9999999999", "55", gb_utr, 0.15, 0.9, kStrict, "utr;unique taxpayer*;self assessment*;tax reference"},
    IdRule{"UK_CHI", kHealth, "9999999999", "", gb_nhs, 0.15, 0.85, kStrict, "chi;chi number;community health index;h&c number"},
    IdRule{"IE_PPS", kNational, "9999999A", "", ie_pps, 0.55, 0.95, kStrict, "pps;ppsn;personal public service*;rsi number"},
    IdRule{"IE_PPS", kNational, "9999999AA", "", ie_pps, 0.6, 0.95, kStrict, "pps;ppsn;personal public service*;rsi number"},
    // Western Europe
    IdRule{"FR_NIR", kNational, "99999XX99999999", "1222332", fr_nir, 0.9, 0.98, kStrict, "nir;insee;securite sociale;numero de securite*;n secu;secu;num secu;n ss;nss"},
    IdRule{"FR_SIRET", kTax, "99999999999999", "3335", luhn_id, 0.2, 0.9, kStrict, "siret"},
    IdRule{"FR_SIREN", kTax, "999999999", "333", luhn_id, 0.1, 0.9, kStrict, "siren;rcs"},
    IdRule{"FR_SPI", kTax, "9999999999999", "2254", any_id, 0.05, 0.75, kStrict, "numero fiscal;spi;n fiscal;reference fiscale"},
    IdRule{"DE_STEUER_ID", kNational, "99999999999", "2333", de_tax, 0.25, 0.95, kStrict, "steuer id*;steuerid*;steuer identifikation*;steuernummer;idnr;tin;tax id*;steuerliche id*"},
    IdRule{"DE_RVNR", kNational, "99999999A999", "", de_pension, 0.65, 0.95, kStrict, "rentenversicherung*;rvnr;sozialversicherungsnummer;sv nummer;svnr;versicherungsnummer;rv nummer"},
    IdRule{"DE_PERSONALAUSWEIS", kNational, "XXXXXXXXX9", "", mrz_731, 0.1, 0.85, kStrict, "personalausweis*;ausweisnummer;ausweis nr;ausweis*;perso nr"},
    IdRule{"DE_PERSONALAUSWEIS", kNational, "XXXXXXXXX", "", any_id, 0.0, 0.75, kStrict, "personalausweis*;ausweisnummer;ausweis nr;perso nr"},
    IdRule{"DE_KVNR", kHealth, "A999999999", "", any_id, 0.1, 0.85, kStrict, "krankenversicherten*;kvnr;versichertennummer;krankenversicherung*;versicherten nr;egk"},
    IdRule{"AT_SVNR", kNational, "9999999999", "46", at_svnr, 0.3, 0.95, kStrict, "svnr;sozialversicherung*;sv nummer;sv nr;versicherungsnummer;svn"},
    IdRule{"CH_AHV", kNational, "9999999999999", "3442", ch_ahv, 0.9, 0.98, kStrict, "ahv*;avs;numero avs;nr avs;sozialversicherungsnummer;oasi"},
    IdRule{"LI_PEID", kNational, "99999999", "", any_id, 0.0, 0.6, kStrict, "peid"},
    IdRule{"ES_DNI", kNational, "99999999A", "81", es_dni, 0.6, 0.95, kStrict, "dni;documento nacional*;nif;d.n.i.;n.i.f.;identidad;documento de identidad"},
    IdRule{"ES_NIE", kNational, "A9999999A", "171", es_nie, 0.65, 0.95, kStrict, "nie;n.i.e.;identidad de extranjero*;numero de extranjero;nif"},
    IdRule{"ES_CIF", kTax, "A9999999X", "18", es_cif, 0.4, 0.9, kStrict, "cif;c.i.f.;nif"},
    IdRule{"ES_NSS", kHealth, "999999999999", "282", any_id, 0.05, 0.85, kStrict, "nass;nss;seguridad social;afiliacion;naf"},
    IdRule{"PT_NIF", kNational, "999999999", "333", pt_nif, 0.2, 0.95, kStrict, "nif;contribuinte;numero de contribuinte;n contribuinte;numero fiscal;nipc"},
    IdRule{"PT_NISS", kHealth, "99999999999", "", any_id, 0.05, 0.8, kStrict, "niss;seguranca social"},
    IdRule{"PT_CC", kNational, "999999999XX9", "8121", any_id, 0.1, 0.8, kStrict, "cartao de cidadao;cartao cidadao;numero de utente"},
    IdRule{"IT_CODICE_FISCALE", kNational, "AAAAAA99A99A999A", "3355", it_cf, 0.9, 0.98, kStrict, "codice fiscale;c.f.;cf;cod fisc;cod. fiscale"},
    IdRule{"IT_PIVA", kTax, "99999999999", "", luhn_id, 0.15, 0.95, kStrict, "p.iva;partita iva;p. iva;piva;vat;iva"},
    IdRule{"NL_BSN", kNational, "999999999", "432", nl_bsn, 0.2, 0.95, kStrict, "bsn;burgerservicenummer;burger service nummer;sofinummer;sofi nummer;citizen service*"},
    IdRule{"BE_NN", kNational, "99999999999", "22232", be_nn, 0.75, 0.97, kStrict, "rijksregister*;registre national;numero national;n national;insz;niss;nn;rrn;national number;nationaal nummer"},
    IdRule{"LU_NIN", kNational, "9999999999999", "", lu_nin, 0.75, 0.97, kStrict, "matricule;matricule national*;numero d'identification national*;cns"},
    // Nordic countries
    IdRule{"DK_CPR", kNational, "9999999999", "64", dk_cpr, 0.2, 0.95, kStrict, "cpr*;personnummer;cpr nr;personal id*"},
    IdRule{"SE_PERSONNUMMER", kNational, "9999999999", "64", se_pnr, 0.4, 0.95, kStrict, "personnummer*;pers.nr;pnr;personnr;samordningsnummer;persnr;person nummer"},
    IdRule{"SE_PERSONNUMMER", kNational, "999999999999", "84", se_pnr, 0.5, 0.95, kStrict, "personnummer*;pers.nr;pnr;personnr;samordningsnummer;persnr;person nummer"},
    IdRule{"NO_FNR", kNational, "99999999999", "65", no_fnr, 0.75, 0.97, kStrict, "fodselsnummer*;fnr;personnummer*;fodselsnr;d nummer;person nr"},
    IdRule{"FI_HETU", kNational, "999999999X", "64", fi_hetu, 0.45, 0.95, kStrict, "hetu;henkilotunnus*;sotu;personbeteckning;henkilo tunnus;sosiaaliturvatunnus"},
    IdRule{"FI_HETU", kNational, "999999A999X", "", fi_hetu, 0.7, 0.95, kStrict, "hetu;henkilotunnus*;sotu;personbeteckning;henkilo tunnus;sosiaaliturvatunnus"},
    IdRule{"IS_KENNITALA", kNational, "9999999999", "64", is_kt, 0.55, 0.95, kStrict, "kennitala*;kt;kennitolu*;kennitoelu*"},
    // Baltic countries
    IdRule{"EE_IK", kNational, "99999999999", "", baltic, 0.6, 0.95, kStrict, "isikukood*;ik;asmens kodas;asmens kod*;a.k.;personal code"},
    IdRule{"LV_PK", kNational, "99999999999", "65", lv_pk, 0.4, 0.95, kLenient, "personas kods;personas kod*;p.k.;personas koda"},
    // Central and eastern Europe
    IdRule{"PL_PESEL", kNational, "99999999999", "", pl_pesel, 0.6, 0.95, kStrict, "pesel*;numer pesel;nr pesel"},
    IdRule{"PL_NIP", kTax, "9999999999", "3322", pl_nip, 0.25, 0.95, kStrict, "nip;numer nip;numer identyfikacji podatkowej"},
    IdRule{"PL_REGON", kTax, "999999999", "", pl_regon, 0.1, 0.9, kStrict, "regon"},
    IdRule{"PL_DOWOD", kNational, "AAA999999", "36", any_id, 0.05, 0.85, kStrict, "dowod*;dowodu osobistego;numer dowodu;seria i numer"},
    IdRule{"CZ_RC", kNational, "9999999999", "64", cz_rc, 0.4, 0.95, kStrict, "rodne cislo;r.c.;rc;rodneho cisla;rodne c"},
    IdRule{"CZ_RC", kNational, "999999999", "63", cz_rc, 0.1, 0.85, kStrict, "rodne cislo;r.c.;rc;rodneho cisla"},
    IdRule{"HU_TAJ", kNational, "999999999", "333", hu_taj, 0.2, 0.95, kStrict, "taj;taj szam*;tb szam;tarsadalombiztositasi*"},
    IdRule{"HU_ADO", kTax, "9999999999", "", hu_tax, 0.3, 0.95, kStrict, "adoazonosito*;adoszam*;ado azonosito*"},
    IdRule{"RO_CNP", kNational, "9999999999999", "", ro_cnp, 0.6, 0.95, kStrict, "cnp;cod numeric*;codul numeric*"},
    IdRule{"BG_EGN", kNational, "9999999999", "", bg_egn, 0.4, 0.95, kStrict, "егн;egn;единен граждански*"},
    IdRule{"GR_AMKA", kNational, "99999999999", "", gr_amka, 0.5, 0.95, kStrict, "αμκα;amka;α.μ.κ.α."},
    IdRule{"GR_AFM", kNational, "999999999", "", gr_afm, 0.2, 0.95, kStrict, "αφμ;afm;α.φ.μ.;αριθμος φορολογικου*"},
    IdRule{"HR_OIB", kNational, "99999999999", "", iso7064_11_10, 0.25, 0.95, kStrict, "oib;osobni identifikacijski*"},
    IdRule{"RS_JMBG", kNational, "9999999999999", "", jmbg, 0.6, 0.95, kStrict, "jmbg;emso;јмбг;maticni broj;embg;ембг;матични број;enotna maticna*;jedinstveni maticni*"},
    IdRule{"SI_DAVCNA", kTax, "99999999", "", any_id, 0.0, 0.8, kStrict, "davcna stevilka;davcna"},
    IdRule{"TR_TCKN", kNational, "99999999999", "", tr_tckn, 0.6, 0.95, kStrict, "tckn;tc kimlik*;t.c. kimlik*;kimlik no*;t.c. no;kimlik numara*;tc no"},
    IdRule{"RU_INN", kNational, "999999999999", "", ru_inn, 0.45, 0.95, kStrict, "инн;inn"},
    IdRule{"RU_INN", kTax, "9999999999", "", ru_inn, 0.2, 0.95, kStrict, "инн;inn"},
    IdRule{"RU_SNILS", kNational, "99999999999", "3332", ru_snils, 0.55, 0.95, kStrict, "снилс*;snils;страховое свидетельство;пенсионное страхов*"},
    IdRule{"RU_PASSPORT", "PASSPORT", "9999999999", "46", any_id, 0.05, 0.85, kStrict, "паспорт*;серия и номер"},
    IdRule{"UA_RNOKPP", kNational, "9999999999", "", ua_rnokpp, 0.2, 0.95, kStrict, "рнокпп;іпн;ідентифікаційний код*;ідентифікаційний номер;ипн;ipn;rnokpp;індивідуальний податковий*;инн;інн"},
    // Middle East and Africa
    IdRule{"IL_ID", kNational, "999999999", "", il_id, 0.15, 0.95, kStrict, "תעודת זהות;ת.ז;ת״ז;ת\"ז;מספר זהות;teudat zehut;t.z.;israeli id*;tz"},
    IdRule{"SA_ID", kNational, "9999999999", "", sa_id, 0.2, 0.95, kStrict, "الهوية;رقم الهوية;هوية وطنية;iqama;إقامة;الإقامة;national id*;saudi id"},
    IdRule{"AE_ID", kNational, "999999999999999", "3471", ae_id, 0.85, 0.97, kLenient, "emirates id*;الهوية;رقم الهوية;eid"},
    IdRule{"EG_ID", kNational, "99999999999999", "", any_id, 0.05, 0.85, kStrict, "الرقم القومي;الرقم القومى;رقم قومي;national id*"},
    IdRule{"ZA_ID", kNational, "9999999999999", "6421", za_id, 0.6, 0.95, kStrict, "sa id*;id number;identity number;south african id*;id no;rsa id*;id nommer"},
    IdRule{"NG_NIN", kNational, "99999999999", "", any_id, 0.05, 0.8, kStrict, "nin;national identification number;nimc;bvn;bank verification number"},
    IdRule{"KE_ID", kNational, "99999999", "", any_id, 0.0, 0.7, kStrict, "kenyan id*;national id*;huduma*"},
    // South and east Asia
    IdRule{"IN_AADHAAR", kNational, "999999999999", "444", in_aadhaar, 0.3, 0.95, kStrict, "aadhaar*;aadhar*;uidai*;uid;आधार*;adhaar*;ஆதார்;ఆధార్;আধার"},
    IdRule{"IN_PAN", kNational, "AAAAA9999A", "", in_pan, 0.55, 0.95, kLenient, "pan;pan card;pan no;permanent account*;पैन*"},
    IdRule{"IN_GSTIN", kTax, "99AAAAA9999AXAX", "", in_gstin, 0.85, 0.97, kStrict, "gstin;gst*"},
    IdRule{"IN_VOTER", kNational, "AAA9999999", "", any_id, 0.05, 0.8, kStrict, "voter id*;epic;voter card;मतदाता"},
    IdRule{"PK_CNIC", kNational, "9999999999999", "571", any_id, 0.05, 0.85, kStrict, "cnic;nadra;شناختی کارڈ;national identity card"},
    IdRule{"CN_RESIDENT_ID", kNational, "99999999999999999X", "", cn_id, 0.8, 0.98, kStrict, "身份证;身份證;居民身份;公民身份;证件号;身份号码;resident id*;shenfenzheng"},
    IdRule{"TW_ID", kNational, "A999999999", "", tw_id, 0.45, 0.95, kStrict, "身分證;身份證;統一編號;国民身分;國民身分;taiwan id*;national id*"},
    IdRule{"HK_HKID", kNational, "A999999X", "", hk_id, 0.25, 0.95, kStrict, "hkid*;香港身份證;身份證;hong kong id*;香港身份证;身分證"},
    IdRule{"HK_HKID", kNational, "AA999999X", "", hk_id, 0.3, 0.95, kStrict, "hkid*;香港身份證;身份證;hong kong id*;香港身份证;身分證"},
    IdRule{"KR_RRN", kNational, "9999999999999", "67", kr_rrn, 0.4, 0.95, kStrict, "주민번호;주민등록;주민 등록;외국인등록;rrn;resident registration*;jumin*"},
    IdRule{"JP_MY_NUMBER", kNational, "999999999999", "444", jp_my_number, 0.2, 0.95, kStrict, "マイナンバー;個人番号;my number;mynumber;マイナンバ;kojin bango"},
    // South-east Asia and Oceania
    IdRule{"SG_NRIC", kNational, "A9999999A", "", sg_nric, 0.6, 0.95, kStrict, "nric*;fin;fin no;singapore id*;uinfin"},
    IdRule{"MY_NRIC", kNational, "999999999999", "624", my_nric, 0.1, 0.95, kStrict, "mykad;nric;ic number;ic no;kad pengenalan;no kp;no. kp;ic"},
    IdRule{"TH_ID", kNational, "9999999999999", "14521", th_id, 0.25, 0.95, kStrict, "บัตรประชาชน;เลขประจำตัว;เลขบัตร;ประจำตัวประชาชน;thai id*;thai national*;citizen id*"},
    IdRule{"ID_NIK", kNational, "9999999999999999", "", id_nik, 0.15, 0.95, kStrict, "nik;ktp;no ktp;nomor induk*;e ktp;nomor ktp"},
    IdRule{"VN_CCCD", kNational, "999999999999", "", any_id, 0.05, 0.85, kStrict, "cccd;căn cước*;can cuoc*;cmnd;chung minh*;chứng minh*"},
    IdRule{"PH_SSS", kNational, "9999999999", "271", any_id, 0.05, 0.8, kStrict, "sss;sss number;gsis"},
    IdRule{"PH_TIN", kTax, "999999999999", "3333", any_id, 0.05, 0.8, kStrict, "tin;tin number"},
    IdRule{"AU_TFN", kNational, "999999999", "333", au_tfn, 0.25, 0.95, kStrict, "tfn;tax file*"},
    IdRule{"AU_TFN", kNational, "99999999", "332", au_tfn, 0.15, 0.9, kStrict, "tfn;tax file*"},
    IdRule{"AU_MEDICARE", kHealth, "9999999999", "451", au_medicare, 0.4, 0.95, kStrict, "medicare*"},
    IdRule{"AU_MEDICARE", kHealth, "99999999999", "4511", au_medicare, 0.3, 0.95, kStrict, "medicare*"},
    IdRule{"AU_ABN", kTax, "99999999999", "2333", au_abn, 0.45, 0.95, kStrict, "abn;australian business*"},
    IdRule{"AU_ACN", kTax, "999999999", "333", au_acn, 0.1, 0.9, kStrict, "acn;australian company*"},
    IdRule{"NZ_IRD", kNational, "999999999", "333", nz_ird, 0.2, 0.95, kStrict, "ird;ird no;ird number;inland revenue*"},
    IdRule{"NZ_IRD", kNational, "99999999", "233", nz_ird, 0.15, 0.95, kStrict, "ird;ird no;ird number;inland revenue*"},
    IdRule{"NZ_NHI", kHealth, "AAA9999", "", any_id, 0.05, 0.8, kStrict, "nhi;nhi number"},
    // South America
    IdRule{"BR_CPF", kNational, "99999999999", "3332", br_cpf, 0.6, 0.97, kStrict, "cpf;c.p.f.;cpf do titular;cadastro de pessoa*"},
    IdRule{"BR_CNPJ", kTax, "99999999999999", "23342", br_cnpj, 0.65, 0.97, kStrict, "cnpj;cadastro nacional*"},
    IdRule{"BR_RG", kNational, "99999999X", "2331", any_id, 0.05, 0.8, kStrict, "rg;registro geral;identidade"},
    IdRule{"AR_CUIT", kNational, "99999999999", "281", ar_cuit, 0.6, 0.95, kStrict, "cuit;cuil;c.u.i.t.;c.u.i.l.;cdi"},
    IdRule{"AR_DNI", kNational, "99999999", "233", any_id, 0.0, 0.85, kStrict, "dni;d.n.i.;documento nacional*;documento"},
    IdRule{"CL_RUT", kNational, "99999999X", "2331", cl_rut, 0.35, 0.95, kStrict, "rut;run;r.u.t.;r.u.n.;rol unico*"},
    IdRule{"CL_RUT", kNational, "9999999X", "1331", cl_rut, 0.3, 0.95, kStrict, "rut;run;r.u.t.;r.u.n.;rol unico*"},
    IdRule{"CO_NIT", kTax, "9999999999", "3331", co_nit, 0.2, 0.95, kStrict, "nit;n.i.t."},
    IdRule{"CO_CC", kNational, "9999999999", "1333", any_id, 0.05, 0.8, kStrict, "cedula de ciudadania;c.c.;cedula"},
    IdRule{"EC_CI", kNational, "9999999999", "91", ec_ci, 0.2, 0.95, kStrict, "cedula*;cedula de identidad;cedula de ciudadania;c.i.;ci"},
    IdRule{"UY_CI", kNational, "99999999", "1331", uy_ci, 0.2, 0.95, kStrict, "cedula*;c.i.;ci"},
    IdRule{"PE_DNI", kNational, "99999999", "", any_id, 0.0, 0.85, kStrict, "dni;documento nacional*"},
    IdRule{"PE_RUC", kTax, "99999999999", "", any_id, 0.05, 0.85, kStrict, "ruc;registro unico*"},
    IdRule{"DO_CEDULA", kNational, "99999999999", "371", luhn_id, 0.25, 0.9, kStrict, "cedula*"},
    // Money and vehicles
    IdRule{"ABA_ROUTING", "ROUTING_NUMBER", "999999999", "", us_routing, 0.1, 0.9, kLenient, "routing*;aba;rtn;aba number;wire*;transit number;routing transit*;ach"},
    IdRule{"UK_SORT_CODE", "BANK_ACCOUNT", "999999", "222", any_id, 0.05, 0.85, kStrict, "sort code;sortcode;sort-code"},
    IdRule{"AU_BSB", "BANK_ACCOUNT", "999999", "33", any_id, 0.05, 0.8, kStrict, "bsb"},
    IdRule{"VIN", "VEHICLE_ID", "XXXXXXXXXXXXXXXXX", "", vin, 0.6, 0.95, kLenient, "vin;vehicle identification*;chassis*;fahrgestell*;numero de chasis;fin nummer"},
};

constexpr std::array kLabelled{
    LabelledRule{"account-context", "BANK_ACCOUNT", false, 6, 17, 6, 0.75, "account number;account no;account num;acct;acct no;acct number;a/c;acc no;account #;bank account*;kontonummer;konto nr;kontonr;numero de compte;n de compte;numero de cuenta;cuenta bancaria;nro de cuenta;numero di conto;conto corrente;rekeningnummer;numero da conta;conta bancaria;conta corrente;clabe;номер счета;расчетный счет;р/с;账号;账户;帳號;口座番号;계좌번호;계좌;checking account;savings account;account;hesap no;hesap numara*;numer konta;rachunek*;tilinumero;iban;beneficiary account"},
    LabelledRule{"mrn-context", "MEDICAL_RECORD", true, 5, 16, 4, 0.85, "mrn*;medical record*;med rec*;patient id*;patient number;patient no;patient #;chart number;chart no;chart #;chart mrn;hospital number;hospital no;nhc;historia clinica;numero de historia*;n historia;fallnummer;patientennummer;patienten nr;patienten id;numero de dossier;dossier patient;ipp;patientnummer;medical id;encounter id;encounter number;visit number;病历号;病案号;住院号;診察券番号;患者id;患者番号;номер карты пациента;история болезни;med record*;accession number;specimen id"},
    LabelledRule{"insurance-context", "HEALTH_ID", true, 6, 16, 5, 0.8, "insurance id*;insurance number;insurance no;insurance #;member id*;member number;subscriber id*;policy number;policy no;policy #;policy id;health plan*;health insurance*;beneficiary*;group number;medicaid*;hicn;health id*;versicherungsnummer;versichertennummer;police nr;policennummer;numero de poliza;poliza;n assure;numero d'assure;mutuelle;polisnummer;numero polizza;tessera sanitaria;carta sanitaria;cip;cipa;tsi;tarjeta sanitaria;nass;numero de asegurado;medical license*;license number;colegiado;n col;numero de colegiado;kvnr;carte vitale;ehic"},
    LabelledRule{"passport-context", "PASSPORT", true, 6, 10, 5, 0.85, "passport*;pass nr;passnummer;reisepass*;reisepassnummer;passeport*;n de passeport;pasaporte*;passaporto*;passaporte*;paspoort*;паспорт*;загранпаспорт*;护照*;護照*;パスポート*;旅券*;여권*;pasaport*;paszport*;pas nummer;διαβατηριο*;דרכון;جواز سفر;جواز السفر;travel document*;หนังสือเดินทาง;passi;pasfoto nr;cestovni pas;utlevel;pasaportul"},
    LabelledRule{"licence-context", "DRIVER_LICENSE", true, 6, 18, 4, 0.85, "driver license*;driver licence*;driver's license*;driver's licence*;drivers license*;drivers licence*;driving licence*;driving license*;dl number;dl no;dl #;dl;licence no;fuhrerschein*;fuehrerschein*;permis de conduire;numero de permis;licencia de conducir;carne de conducir;permiso de conducir;patente di guida;patente n;rijbewijs*;carteira de habilitacao;cnh;prawo jazdy;водительское удостоверение;в/у;驾驶证*;驾照*;運転免許*;운전면허*;ehliyet*;korkort*;kjorekort*;ajokortti"},
    LabelledRule{"id-context", "NATIONAL_ID", true, 6, 18, 5, 0.7, "national id*;national identity*;identity card*;identity number;id card*;identity document*;identification number;citizen id*;citizenship number;personal id*;personal identification*;government id*;ausweis*;carte d'identite;carta d'identita;documento de identidad;documento de identidade;tarjeta de identidad;cedula*;nric;cnic;taxpayer id*;taxpayer identification*;tax id*;tax number;tax identification*;vat number;vat id*;vat no;vat reg*;ust idnr;ust-id*;umsatzsteuer*;numero tva;n tva;tva intracom*;nif;steuernummer;удостоверение личности;удостоверение;证件号码;证件号;身份号;身分證;nomor identitas;kimlik*;id-number;immigration number;alien number;a-number;alien registration*;uscis*;green card*;visa number;residence permit*;aufenthaltstitel*;titre de sejour"},
    LabelledRule{"plate-context", "VEHICLE_ID", true, 5, 10, 1, 0.75, "license plate*;licence plate*;number plate*;registration plate*;plate number;plate no;plate #;vehicle registration*;kennzeichen;kfz kennzeichen;plaque d'immatriculation;immatriculation;matricula*;targa;kenteken;placa*;госномер;гос. номер;车牌*;車牌*;ナンバープレート;plaka*;nummerplade;registreringsnummer;tablica rejestracyjna;vehicle reg*;car reg*;reg no;reg number"},
    LabelledRule{"employee-context", "EMPLOYEE_ID", true, 5, 14, 4, 0.5, "employee id*;employee number;employee no;staff id*;staff number;personalnummer;mitarbeiternummer;matricule salarie;numero de empleado;badge number;payroll number;payroll id;student id*;student number"},
};
// clang-format on

}  // namespace

static_assert(kFirstRule + kRules.size() + kLabelled.size() <= kLabels);

std::span<const IdRule> id_rules() {
    return kRules;
}

std::span<const LabelledRule> labelled_rules() {
    return kLabelled;
}

}  // namespace sluice::policies::detail
