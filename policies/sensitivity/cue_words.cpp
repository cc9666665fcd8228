// Markings, privilege, digits as words and words of streets.
#include "policies/sensitivity/scan.hpp"

namespace sluice::policies::detail {

namespace {

// clang-format off
constexpr std::string_view kMarkings =
    "confidential;strictly confidential;company confidential;internal use only;for internal use*;internal only;do not distribute;do not share;do not forward;do not circulate;"
    "not for distribution;not for external*;not for release;not for circulation;not for publication;not to be distributed;strictly private;private and confidential;proprietary and confidential;proprietary;"
    "trade secret*;restricted distribution;eyes only;need to know;under nda;subject to nda;covered by nda;under embargo;embargoed;tlp:red;tlp:amber;tlp red;tlp amber;tlp:amber+strict;"
    "cui//*;controlled//*;controlled unclassified*;secret//*;top secret*;noforn;fouo;for official use only;official sensitive;official-sensitive;"
    "hr restricted;hr only;hr confidential;management only;finance only;executives only;restricted access;restricted circulation;board confidential;board minutes;board only;insider information;material non-public*;mnpi;"
    "vertraulich;streng vertraulich;nur fur den internen*;nur intern;nur fur den dienstgebrauch;interne verwendung;betriebsgeheimnis;geschaftsgeheimnis;geheim;nicht weitergeben;nicht zur weitergabe;verschlusssache;"
    "confidentiel;confidentielle;strictement confidentiel;usage interne;diffusion restreinte;ne pas diffuser;a usage interne;secret des affaires;document interne;"
    "confidencial;estrictamente confidencial;uso interno;solo para uso interno;no distribuir;no difundir;uso restringido;prohibida su difusion;secreto comercial;"
    "riservato;strettamente confidenziale;confidenziale;uso interno;non divulgare;non diffondere;segreto aziendale;"
    "estritamente confidencial;nao distribuir;nao divulgar;sigiloso;"
    "vertrouwelijk;strikt vertrouwelijk;uitsluitend voor intern*;alleen voor intern*;bedrijfsgeheim;niet verspreiden;"
    "konfidentiellt;internt bruk;hemligt;sekretess*;fortroligt;fortrolig;kun til intern*;kun til internt brug;kun for internt bruk;luottamuksellinen;vain sisaiseen*;salainen;"
    "poufne;scisle poufne;tylko do uzytku wewnetrznego;tajne;duverne;prisne duverne;pouze pro vnitrni*;bizalmas;szigoruan bizalmas;csak belso*;confidential intern;strict confidential;uz intern;"
    "gizli;gizlidir;cok gizli;kuruma ozel;sirket ici;hizmete ozel;εμπιστευτικο;εμπιστευτικό;απορρητο;"
    "конфиденциально;строго конфиденциально;для служебного пользования;для внутреннего пользования;коммерческая тайна;не для распространения;секретно;конфіденційно;поверително;"
    "סודי;חסוי;לשימוש פנימי;سري;سري للغاية;للاستخدام الداخلي;गोपनीय;ลับ;ความลับ;rahasia;sangat rahasia;mat;bao mat;"
    "社外秘;極秘;部外秘;取扱注意;機密;关系者外秘;関係者外秘;关系者;机密;绝密;秘密;内部资料;内部文件;仅供内部;仅限内部;保密;請勿外傳;请勿外传;內部資料;限內部;대외비;기밀;비밀;사내 한정;외부 유출 금지";
constexpr std::string_view kPrivilege =
    "attorney client*;attorney-client*;attorney work product;work product;privileged and confidential;privileged & confidential;legally privileged;legal privilege;legal professional privilege;solicitor client*;"
    "without prejudice;litigation privilege;legal advice privilege;privileged communication*;subject to privilege;common interest privilege;"
    "anwaltsgeheimnis;anwaltliche korrespondenz;anwaltskorrespondenz;anwaltliche schweigepflicht;mandatsgeheimnis;anwaltsprivileg;secret professionnel;confidentialite avocat*;correspondance d'avocat;secreto profesional*;abogado cliente;"
    "segreto professionale;corrispondenza avvocato*;sigilo profissional;advogado cliente;beroepsgeheim;verschoningsrecht;advokatsekretess*;tajemnica adwokacka;avukat muvekkil*;avukatlik sirri;адвокатская тайна;"
    "律师客户;律师-客户;律师特权;弁護士依頼者*;弁護士秘匿特権;秘匿特権;변호사 의뢰인*;변호사-의뢰인*;adwokat klient";
constexpr std::string_view kQuestions =
    "what is;what are;what does;what do;explain;how do;how does;how to;how can;define;meaning of;difference between;give me a template;template for;write a;create a;draft a;describe;tell me about;who was;who is;"
    "was ist;was bedeutet;erklare;wie funktioniert;que es;que significa;qu'est ce;que signifie;explique*;o que e;cos'e;cosa significa;wat is;wat betekent;что такое;что значит;объясни*;"
    "什么是;什麼是;是什么;解释;とは;について;説明;무엇;설명;kimdir;nedir;co to;co znamena;vad ar;mikä on;mita tarkoittaa;hvad er;hva er;ne demek;τι ειναι;τι σημαινει;מה זה;ما هو;ما معنى;क्या है;คืออะไร;apa itu;la gi;are generated;is generated;should i";
// Behind the number: "12 Birch Lane".
constexpr std::string_view kStreets =
    "street;st;avenue;ave;road;rd;lane;ln;drive;dr;boulevard;blvd;court;ct;place;pl;way;square;sq;terrace;close;crescent;parkway;pkwy;highway;hwy;circle;cir;trail;trl;"
    "alley;loop;row;grove;gardens;mews;plaza;walk;hill;rise;park;heights";
// Before the number: "Calle Mayor 5".
constexpr std::string_view kStreetsFirst =
    "strasse;str;weg;platz;allee;gasse;rue;chemin;impasse;quai;place;calle;c/;avenida;avda;av;plaza;paseo;carrera;camino;ronda;via;viale;piazza;corso;vicolo;largo;rua;travessa;praca;"
    "alameda;estrada;ulica;ul;aleja;al;namesti;utca;strada;str;bulevardul;calea;sokak;cadde;caddesi;οδος;οδου;улица;ул;проспект;пр-т;пр;переулок;пер;площадь;бульвар;вулиця;вул;"
    "jalan;jl;duong;po box;p.o. box;psc;postfach;apartado;trg;cesta;storgata";
constexpr std::string_view kDigitWords =
    "zero;one;two;three;four;five;six;seven;eight;nine;oh;null;eins;zwei;drei;vier;funf;fünf;sechs;sieben;acht;neun;un;deux;trois;quatre;cinq;sept;huit;neuf;cero;uno;dos;tres;cuatro;cinco;seis;siete;ocho;nueve;"
    "due;tre;quattro;cinque;sei;sette;otto;nove;um;dois;quatro;sete;oito;ноль;один;два;три;четыре;пять;шесть;семь;восемь;девять";
// clang-format on

}  // namespace

void add_marking_words(Phrases& phrases) {
    phrases.add(static_cast<Label>(Context::Marking), kMarkings);
    phrases.add(static_cast<Label>(Context::Privilege), kPrivilege);
    phrases.add(static_cast<Label>(Context::Question), kQuestions);
}

void add_street_words(Phrases& phrases) {
    phrases.add(static_cast<Label>(Context::Street), kStreets);
    phrases.add(static_cast<Label>(Context::StreetFirst), kStreetsFirst);
}

void add_digit_words(Phrases& phrases) {
    phrases.add(static_cast<Label>(Context::DigitWord), kDigitWords);
}

}  // namespace sluice::policies::detail
