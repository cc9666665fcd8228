// The words that give numbers and texts their meaning, and the one table that all phrases are looked up in.
#include "policies/sensitivity/id_rules.hpp"
#include "policies/sensitivity/scan.hpp"

namespace sluice::policies::detail {

namespace {

struct Words {
    Context context;
    std::string_view list;
};

// clang-format off
constexpr std::array kWords{
    Words{Context::Phone, "phone;phones;phone number;telephone;tel;mobile;cell;cellphone;fax;whatsapp;call;dial;sms;text me;ring;reach me;telefon*;handy;handynummer;mobil;mobilnummer;rufnummer;telefono;telefone;celular;movil;cellulare;telefoon*;telefonum;portable;telephoner;joignable;numero de telephone;puhelin*;telefonnr;tlf;τηλ*;τηλεφωνο;телефон*;тел;позвонить;звоните;电话;電話;手机;手機;携帯;전화;연락처;휴대폰;טלפון;نقال;هاتف;โทร;फोन;मोबाइल;dien thoai;sdt;telp;no hp;gsm;cep;contact number;direct line;hotline;ext;callback;pager"},
    Words{Context::Card, "card;cards;visa;mastercard;amex;american express;diners;discover;cvv;cvc;credit;debit;kreditkarte*;karte;karten*;carte;carte bancaire;tarjeta;carta;cartao;creditcard*;cc number;card number;pan;kredi karti;карта;карты;карте;банковская карта;кредитная карта;信用卡;银行卡;卡号;クレジットカード;カード番号;카드;บัตรเครดิต;כרטיס אשראי;بطاقة;luottokortti;kort;kortnummer;karta;karty;kartou"},
    Words{Context::SocialSecurity, "ssn;ssns;social security*;social;soc sec*;ss#;ss number"},
    Words{Context::Password, "password;passwords;passwd;pwd;pass;pw;passphrase;passcode;pin;passwort;kennwort;passe;contrasena;contrase;clave;senha;wachtwoord;parola;losenord;passord;adgangskode;kodeord;salasana;haslo;heslo;jelszo;sifre;parole;geslo;lozinka;пароль;паролем;пароля;κωδικος;סיסמה;סיסמא;كلمة المرور;كلمة السر;密码;密碼;口令;パスワード;비밀번호;암호;รหัสผ่าน;पासवर्ड;mat khau;mật khẩu;kata sandi;salasõna;slaptazodis;парола"},
    Words{Context::Harmless, "order;invoice;tracking;parcel;shipment;sku;part;serial;lot;batch;build;version;isbn;ean;upc;imei;device;uuid;guid;timestamp;epoch;commit;checksum;trace;span;bytes;port;ticket;issue;model;firmware;score;hash;sha;md5;asset tag;bestellung;rechnung;bestellnummer;commande;pedido;factura"},
    Words{Context::Authorization, "authorization;proxy authorization"},
    Words{Context::Cvv, "cvv;cvc;cvv2;cvc2;cid;security code;card code;prufziffer;kartenprufnummer;cryptogramme;codigo de seguridad;codice di sicurezza;安全码"},
    Words{Context::Expiry, "exp;expiry;expires;expiration;valid thru;valid until;good thru;gultig bis;expire le;caduca;vence;scadenza;valida hasta;vervaldatum;有效期"},
    Words{Context::Bic, "bic;swift;swift code;bic code;swift bic"},
    Words{Context::Wallet, "wallet;btc;bitcoin;eth;ethereum;crypto;usdt;bnb;address;litecoin;ltc;send to;deposit"},
    Words{Context::Birth, "born;dob;d.o.b.;date of birth;birth date;birthdate;birthday;birth;geboren;geburtsdatum;geb;geb.;date de naissance;ne le;nee le;nacido;nacida;fecha de nacimiento;nacimiento;data di nascita;nato il;nata il;nascido;nascida;data de nascimento;geboortedatum;geboren op;fodelsedatum;fodselsdato;syntymaaika;data urodzenia;urodzony;urodzona;narozen;narozeni;szuletett;data nasterii;nascut;dogum tarihi;dogumlu;родился;родилась;дата рождения;д.р.;ημερομηνια γεννησης;生日;出生;生年月日;生まれ;생년월일;생일;תאריך לידה;تاريخ الميلاد;वन्म;जन्म;วันเกิด;tanggal lahir;ngay sinh;ngày sinh"},
    Words{Context::Network, "ip;ip address;ip addr;login from;logged in from;client ip;remote addr;host;source ip;visitor;session from;connected from;mac;mac address;device"},
    Words{Context::Address, "address;live at;lives at;living at;reside*;located at;mailing address;home address;ship to;shipping;deliver to;billing address;adresse;anschrift;wohnhaft;wohne;wohnt;adresse postale;habite;domicile;direccion;domicilio;vivo en;vive en;calle;indirizzo;residente;abito;endereco;moro;adres;woont;adress;bor;osoite;address is;moved to;move to;адрес;проживает;地址;住所;住址;주소;כתובת;عنوان;ที่อยู่;पता;dia chi;địa chỉ;alamat;postcode;zip code;send it to;office is at"},
    Words{Context::Name, "name;full name;first name;last name;surname;given name;family name;maiden name;fullname;firstname;lastname;middle name;name des patienten;vorname;nachname;familienname;nom;prenom;nom de famille;nombre;apellidos;apellido;nombres;cognome;nome;sobrenome;nome completo;naam;voornaam;achternaam;namn;fornamn;efternamn;navn;nimi;imie;nazwisko;imie i nazwisko;jmeno;prijmeni;nev;nume;prenume;ad soyad;adi;soyadi;имя;фамилия;отчество;фио;όνομα;ονομα;επωνυμο;姓名;名字;氏名;お名前;名前;이름;성명;שם;שם מלא;الاسم;नाम;ชื่อ;ho ten;họ tên;nama;patient;patient name;pt;paciente;patientin;nombre del paciente;customer name;client name;account holder;cardholder;cardholder name;name on card;contact person;contact name;employee name;customer;beneficiary;recipient;medico;attending;physician;provider;doctor;referring;signed;signature;submitted by;prepared by;issued to;holder"},
    Words{Context::NameIs, "my name is;my name's;i am;i'm;i am called;ich heisse;ich heiße;mein name ist;ich bin;je m'appelle;je suis;mon nom est;me llamo;mi nombre es;soy;mi chiamo;sono;il mio nome e;meu nome e;chamo me;me chamo;eu sou;ik heet;mijn naam is;ik ben;jag heter;mitt namn ar;jeg hedder;jeg heter;mit navn er;nimeni on;mina olen;nazywam sie;mam na imie;jmenuji se;jmenuju se;volam sa;a nevem;numele meu este;ma numesc;benim adim;adim;меня зовут;мое имя;моё имя;я ;мене звати;με λενε;ονομαζομαι;我叫;我的名字是;私の名前は;제 이름은;שמי;קוראים לי;اسمي;मेरा नाम;ผมชื่อ;ฉันชื่อ;ten toi la;tên tôi là;nama saya;zovem se;ime mi je;казвам се"},
    Words{Context::Salutation, "mr;mrs;ms;miss;mx;dr;prof;sir;madam;herr;herrn;frau;monsieur;madame;mme;mlle;senor;senora;sr;sra;srta;signor;signora;sig;dott;don;dona;meneer;mevrouw;dhr;mevr;pan;pani;doctor;professor;rev;capt;lt;sgt;officer;judge;nurse;dear;hi;hello;hallo;bonjour;hola;ciao;liebe;lieber;cher;chere;estimado;estimada;caro;cara;beste;sehr geehrter;sehr geehrte;уважаемый;уважаемая;regards;sincerely;best regards;kind regards;cheers;thanks;mit freundlichen grussen;cordialement;saludos"},
    Words{Context::Person, "follow up with;meeting with;meet with;spoke with;spoke to;talked to;talk to;call with;email from;letter to;signed by;reviewed by;approved by;referred by;report to;interview with;feedback for;review for;account holder;belongs to;prescription for;patient;book a flight for;ticket for;ship it to;written by;invoice to;reservation for;appointment for;on behalf of;employee;tenant;applicant;client;customer;colleague;my friend;my wife;my husband;my son;my daughter;my boss;manager;contact"},
    Words{Context::Clinical, "diagnosed with;diagnosis;diagnosed;diagnose*;hx of;history of;medical history;prescribed;prescription*;started on;taking;treated for;treatment for;suffers from;suffering from;symptoms of;lab result*;test result*;positive for;admitted*;discharge*;handover;patient presents;presents with;icd;icd-10;rx;mg;dosage;leidet an;diagnostique;diagnostico;diagnosticado*;diagnosticada;tratamiento;padece;antecedentes;ingreso;paciente;diagnosi;diagnostiziert;verschrieben;atteint de;souffre de;traitement;диагноз*;лечение;诊断;患有;診断;진단;복용;chemotherapy;biopsy;surgery for;allergic to;referred for;evaluation of;follow up for;mmhg;hba1c;blood pressure;viral load"},
    Words{Context::Documented, "example;sample;dummy;placeholder;documentation;docs;for testing;test card;fake;famous;fixture"},
    Words{Context::Login, "login;user;username;log in;sign in;account;admin;root;credentials;zugang*;anmeldung;identifiant;usuario;utente;логин;账号;ユーザー;wifi;wi-fi;wlan;vpn;ssid"},
    Words{Context::LivesAt, "lives at;live at;living at;sent to;send it to;ship to;ship it to;deliver to;delivered to;located at;address is;address to;taxi to;meet you at;moved to;move to;residing at;resides at;here they are;addresses are;home address;address;wohnt in;habite au;vive en;abita in"},
    Words{Context::Iban, "iban"},
    Words{Context::Dot, "dot;punkt;punto"},
    Words{Context::Flat, "apt;apartment;suite;ste;flat;apo;fpo;dpo;psc;unit;box"},
    Words{Context::AwsSecret, "aws;aws secret*;secret access key;secret key;secretaccesskey;aws_secret*;secret_access_key;amazon secret*"},
    Words{Context::Sender, "from;to;cc;bcc;reply-to;von;an;de;para;a;da;fn;n"},
};
// clang-format on

Phrases build() {
    Phrases phrases;
    for (const Words& words : kWords) phrases.add(static_cast<Label>(words.context), words.list);
    add_health_words(phrases);
    add_marking_words(phrases);
    add_digit_words(phrases);
    add_street_words(phrases);
    Label label = kFirstRule;
    for (const IdRule& rule : id_rules()) phrases.add(label++, rule.labels);
    for (const LabelledRule& rule : labelled_rules()) phrases.add(label++, rule.labels);
    phrases.close();
    return phrases;
}

}  // namespace

const Phrases& label_phrases() {
    static const Phrases phrases = build();
    return phrases;
}

}  // namespace sluice::policies::detail
