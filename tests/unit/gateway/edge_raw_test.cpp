// Byte sequences against a running server: for each, the answers it gets and what becomes of the connection. A
// connection that stays open must answer a probe next: anything the server took for the beginning of another request
// would show.
#include "tests/unit/gateway/edge_fixture.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace sluice::gateway::testing {
namespace {

enum class After { Open, Closed, FinThenClosed };  // FinThenClosed: the client half-closes after its bytes

struct Case {
    std::string name;
    std::string bytes;
    std::vector<int> statuses;
    After after;
};

void PrintTo(const Case& sample, std::ostream* out) {
    *out << sample.name;
}

const std::string kHost = "Host: sluice.test\r\n";
const std::string kEnd = "\r\n";

std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\n" + kHost + headers + kEnd;
}
std::string post(const std::string& target, const std::string& headers, const std::string& body = "") {
    return "POST " + target + " HTTP/1.1\r\n" + kHost + headers + kEnd + body;
}
std::string chunked(const std::string& body, const std::string& headers = "") {
    return post("/echo", "Transfer-Encoding: chunked\r\n" + headers, body);
}
const std::string kBearer = "Authorization: Bearer " + std::string(kKey) + "\r\n";
const std::string kSmuggled = "GET /ping HTTP/1.1\r\nHost: evil\r\n\r\n";

std::string repeat(const std::string& text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

std::vector<Case> well_formed() {
    return {
        {"Get", get("/ping"), {200}, After::Open},
        {"GetWithQuery", get("/ping?a=b&c=%20"), {200}, After::Open},
        {"GetWithConnectionClose", get("/ping", "Connection: close\r\n"), {200}, After::Closed},
        {"ConnectionCloseInAList", get("/ping", "Connection: te, Close\r\n"), {200}, After::Closed},
        {"ConnectionKeepAlive", get("/ping", "Connection: keep-alive\r\n"), {200}, After::Open},
        {"PostWithLength", post("/echo", "Content-Length: 5\r\n", "hello"), {200}, After::Open},
        {"PostWithLengthZero", post("/echo", "Content-Length: 0\r\n"), {200}, After::Open},
        {"PostWithoutBody", post("/echo", ""), {200}, After::Open},
        {"PostJson",
         post("/echo", "Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"),
         {200},
         After::Open},
        {"PostJsonWithCharset",
         post("/echo", "Content-Type: Application/JSON; Charset=\"UTF-8\"\r\nContent-Length: 2\r\n", "{}"),
         {200},
         After::Open},
        {"PostAtTheLimit", post("/echo", "Content-Length: 4096\r\n", std::string(4096, 'x')), {200}, After::Open},
        {"Chunked", chunked("5\r\nhello\r\n0\r\n\r\n"), {200}, After::Open},
        {"ChunkedInAnyCase",
         post("/echo", "Transfer-Encoding: ChUnKeD\r\n", "5\r\nhello\r\n0\r\n\r\n"),
         {200},
         After::Open},
        {"ChunkedWithSpaceAround",
         post("/echo", "Transfer-Encoding: \t chunked \r\n", "5\r\nhello\r\n0\r\n\r\n"),
         {200},
         After::Open},
        {"ChunkedEmpty", chunked("0\r\n\r\n"), {200}, After::Open},
        {"ChunkedHexInBothCases", chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), {200}, After::Open},
        {"ChunkedLeadingZeros", chunked("0005\r\nhello\r\n000\r\n\r\n"), {200}, After::Open},
        {"ChunkedByteByByte", chunked(repeat("1\r\nx\r\n", 500) + "0\r\n\r\n"), {200}, After::Open},
        {"ChunkExtension", chunked("5;name=value\r\nhello\r\n0;last\r\n\r\n"), {200}, After::Open},
        {"ChunkExtensionQuoted", chunked("5;name=\"a b\"\r\nhello\r\n0\r\n\r\n"), {200}, After::Open},
        {"Trailers", chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"), {200}, After::Open},
        {"TrailerThatNamesHost", chunked("5\r\nhello\r\n0\r\nHost: evil\r\n\r\n"), {200}, After::Open},
        {"TrailerThatNamesAuthorization",
         chunked("5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
         {200},
         After::Open},
        {"EmptyLineBeforeTheRequest", "\r\n" + get("/ping"), {200}, After::Open},
        {"EmptyLineBetweenRequests", get("/ping") + "\r\n" + get("/ping"), {200, 200}, After::Open},
        {"AbsoluteForm", get("http://sluice.test/ping"), {200}, After::Open},
        {"AbsoluteFormWithoutPath", get("http://sluice.test"), {404}, After::Open},
        {"AbsoluteFormSchemeInCapitals", get("HTTP://Sluice.Test/ping"), {200}, After::Open},
        {"HostWithPort", "GET /ping HTTP/1.1\r\nHost: sluice.test:8080\r\n\r\n", {200}, After::Open},
        {"HostIpv6", "GET /ping HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", {200}, After::Open},
        {"HostLowerCaseName", "GET /ping HTTP/1.1\r\nhost: sluice.test\r\n\r\n", {200}, After::Open},
        {"UpgradeIsIgnored",
         get("/ping",
             "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
         {200},
         After::Open},
        {"WebSocketIsIgnored", get("/ping", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), {200}, After::Open},
        {"HeaderWithLatin1", get("/ping", "X-Name: J\xf6rg\r\n"), {200}, After::Open},
        {"HeaderWithoutValue", get("/ping", "X-Empty:\r\n"), {200}, After::Open},
        {"ParameterRoute", get("/item/abc"), {200}, After::Open},
        {"ParameterWithEncodedSlash", get("/item/a%2Fb"), {200}, After::Open},
        {"PathIsDecoded", get("/p%69ng"), {200}, After::Open},
        {"NinetyNineFields", get("/ping", repeat("X-A: b\r\n", 99)), {200}, After::Open},
        {"HeaderOf30Kilobytes", get("/ping", "X-Long: " + std::string(30'000, 'x') + "\r\n"), {200}, After::Open},
        {"TargetOf8000Bytes", get("/ping?" + std::string(8000, 'q')), {200}, After::Open},
    };
}

std::vector<Case> transfer_encoding() {
    const std::string body = "5\r\nhello\r\n0\r\n\r\n";
    const auto with = [&](const std::string& headers) { return post("/echo", headers, body); };
    return {
        {"LengthThenChunked",
         with("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n") + kSmuggled,
         {400},
         After::Closed},
        {"ChunkedThenLength",
         with("Transfer-Encoding: chunked\r\nContent-Length: 15\r\n") + kSmuggled,
         {400},
         After::Closed},
        {"ChunkedThenLengthZero", with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), {400}, After::Closed},
        {"ChunkedTwiceInALine", with("Transfer-Encoding: chunked, chunked\r\n") + kSmuggled, {501}, After::Closed},
        {"ChunkedTwiceInTwoLines",
         with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         {400},
         After::Closed},
        {"GzipThenChunked", with("Transfer-Encoding: gzip, chunked\r\n"), {501}, After::Closed},
        {"ChunkedThenGzip", with("Transfer-Encoding: chunked, gzip\r\n"), {400}, After::Closed},
        {"GzipLineThenChunkedLine",
         with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
         {400},
         After::Closed},
        {"Identity", with("Transfer-Encoding: identity\r\n") + kSmuggled, {400}, After::Closed},
        {"IdentityWithLength", with("Transfer-Encoding: identity\r\nContent-Length: 15\r\n"), {400}, After::Closed},
        {"UnknownCodingWithLength", with("Transfer-Encoding: x\r\nContent-Length: 15\r\n"), {400}, After::Closed},
        {"LengthThenUnknownCoding", with("Content-Length: 15\r\nTransfer-Encoding: cow\r\n"), {400}, After::Closed},
        {"EmptyCoding", with("Transfer-Encoding:\r\n"), {400}, After::Closed},
        {"EmptyCodingWithLength", with("Transfer-Encoding: \r\nContent-Length: 15\r\n"), {400}, After::Closed},
        {"XChunked", with("Transfer-Encoding: xchunked\r\n"), {400}, After::Closed},
        {"ChunkedWithParameter", with("Transfer-Encoding: chunked;q=1\r\n"), {400}, After::Closed},
        {"ChunkedQuoted", with("Transfer-Encoding: \"chunked\"\r\n"), {400}, After::Closed},
        {"ChunkedWithComma", with("Transfer-Encoding: chunked,\r\n"), {400}, After::Closed},
        {"CommaThenChunked", with("Transfer-Encoding: ,chunked\r\n"), {501}, After::Closed},
        {"ChunkedAfterVerticalTab",
         with("Transfer-Encoding: \x0b"
              "chunked\r\n"),
         {400},
         After::Closed},
        {"ChunkedAfterNul", with(std::string("Transfer-Encoding: \0chunked\r\n", 29)), {400}, After::Closed},
        {"SpaceBeforeColon", with("Transfer-Encoding : chunked\r\n"), {400}, After::Closed},
        {"TabBeforeColon", with("Transfer-Encoding\t: chunked\r\n"), {400}, After::Closed},
        {"SpaceBeforeName", with(" Transfer-Encoding: chunked\r\n"), {400}, After::Closed},
        {"FoldedCoding", with("Transfer-Encoding:\r\n chunked\r\n"), {400}, After::Closed},
        {"HiddenBehindAFold", with("X-A: b\r\n Transfer-Encoding: chunked\r\n"), {400}, After::Closed},
        {"HiddenBehindABareLineFeed", with("X-A: b\nTransfer-Encoding: chunked\r\n"), {400}, After::Closed},
        {"HiddenBehindABareReturn", with("X-A: b\rTransfer-Encoding: chunked\r\n"), {400}, After::Closed},
        {"ChunkedOnHttp10",
         "POST /echo HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n" + body,
         {400},
         After::Closed},
        {"ChunkedOnHttp10KeepAlive",
         "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
         {400},
         After::Closed},
    };
}

std::vector<Case> content_length() {
    const auto with = [](const std::string& value) {
        return post("/echo", "Content-Length: " + value + "\r\n", "hello" + kSmuggled);
    };
    return {
        {"Plus", with("+5"), {400}, After::Closed},
        {"Minus", with("-5"), {400}, After::Closed},
        {"MinusZero", with("-0"), {400}, After::Closed},
        {"Hexadecimal", with("0x5"), {400}, After::Closed},
        {"Fraction", with("5.0"), {400}, After::Closed},
        {"Exponent", with("5e0"), {400}, After::Closed},
        {"TwoNumbers", with("5 5"), {400}, After::Closed},
        {"ListOfEquals", with("5, 5"), {400}, After::Closed},
        {"ListOfDifferent", with("5, 6"), {400}, After::Closed},
        {"Empty", with(""), {400}, After::Closed},
        {"Letters", with("five"), {400}, After::Closed},
        {"Quoted", with("\"5\""), {400}, After::Closed},
        {"Underscore", with("1_0"), {400}, After::Closed},
        {"TwoToThe64", with("18446744073709551616"), {400}, After::Closed},
        {"TwoToThe64PlusFive", with("18446744073709551621"), {400}, After::Closed},
        {"TwoToThe63", with("9223372036854775808"), {400}, After::Closed},
        {"ThirtyNines", with("999999999999999999999999999999"), {400}, After::Closed},
        {"TwiceEqual", post("/echo", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), {400}, After::Closed},
        {"TwiceDifferent", post("/echo", "Content-Length: 5\r\nContent-Length: 0\r\n", "hello"), {400}, After::Closed},
        {"Folded", post("/echo", "Content-Length:\r\n 5\r\n", "hello"), {400}, After::Closed},
        {"NulInValue", post("/echo", std::string("Content-Length: 5\0\r\n", 20), "hello"), {400}, After::Closed},
        {"SpaceBeforeColon", post("/echo", "Content-Length : 5\r\n", "hello"), {400}, After::Closed},
        {"TooLargeForTheRoute", post("/echo", "Content-Length: 4097\r\n", std::string(4097, 'x')), {413}, After::Open},
        {"FarTooLarge", post("/echo", "Content-Length: 100000000000\r\n", "x"), {413}, After::Closed},
        {"OnARouteWithoutBody", get("/ping", "Content-Length: 3\r\n") + "abc", {413}, After::Open},
    };
}

std::vector<Case> chunks() {
    return {
        {"NegativeSize", chunked("-5\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"PlusSize", chunked("+5\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"PrefixedSize", chunked("0x5\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"UnderscoreSize", chunked("0_5\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"EmptySize", chunked("\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"SpaceBeforeSize", chunked(" 5\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"SpaceAfterSize", chunked("5 \r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"SizeBeyond64Bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"SizeOfAllBits", chunked("ffffffffffffffff\r\nhello"), {413}, After::Closed},
        {"SizeBeyondTheRoute", chunked("1001\r\n" + std::string(4097, 'x') + "\r\n0\r\n\r\n"), {413}, After::Closed},
        {"SumBeyondTheRoute",
         chunked(repeat("400\r\n" + std::string(1024, 'x') + "\r\n", 4) + "1\r\nx\r\n0\r\n\r\n"),
         {413},
         After::Closed},
        {"BareLineFeed", chunked("5\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"BareReturn", chunked("5\rhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"DataLongerThanSize", chunked("4\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"DataShorterThanSize", chunked("6\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"NoLineEndAfterData", chunked("5\r\nhello0\r\n\r\n"), {400}, After::Closed},
        {"LineFeedAfterData", chunked("5\r\nhello\n0\r\n\r\n"), {400}, After::Closed},
        {"ExtensionWithoutSemicolon", chunked("5 name\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"ExtensionWithoutName", chunked("5;=x\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"ExtensionQuoteLeftOpen",
         chunked("5;a=\"x\r\nhello\r\n0\r\n\r\n\"" + std::string(40'000, 'x')),
         {400},
         After::Closed},
        {"ExtensionWithLineFeed", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), {400}, After::Closed},
        {"ExtensionOf20Kilobytes",
         chunked("5;a=" + std::string(20'000, 'x') + "\r\nhello\r\n0\r\n\r\n"),
         {400},
         After::Closed},
        {"ExtensionOf64Kilobytes",
         chunked("5;a=" + std::string(65'536, 'x') + "\r\nhello\r\n0\r\n\r\n"),
         {400},
         After::Closed},
        {"ExtensionsThatAddUp",
         chunked(repeat("1;" + std::string(500, 'x') + "\r\ny\r\n", 40) + "0\r\n\r\n"),
         {400},
         After::Closed},
        {"ManySmallExtensionsWithinTheLimit",
         chunked(repeat("1;abc=d\r\ny\r\n", 1000) + "0\r\n\r\n"),
         {200},
         After::Open},
        {"SizeLineThatNeverEnds", chunked(std::string(40'000, '0')), {400}, After::Closed},
        {"TrailerOf70Kilobytes",
         chunked("5\r\nhello\r\n0\r\nX-Long: " + std::string(70'000, 'x') + "\r\n\r\n"),
         {400},
         After::Closed},
        {"TrailersOf200Kilobytes",
         chunked("5\r\nhello\r\n0\r\n" + repeat("X-Field: " + std::string(1000, 'x') + "\r\n", 200) + "\r\n"),
         {400},
         After::Closed},
        {"TrailerOf30Kilobytes",
         chunked("5\r\nhello\r\n0\r\nX-Long: " + std::string(30'000, 'x') + "\r\n\r\n"),
         {200},
         After::Open},
        {"MalformedTrailer", chunked("5\r\nhello\r\n0\r\nno colon\r\n\r\n"), {400}, After::Closed},
        {"TrailerContentLength", chunked("5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"), {400}, After::Closed},
        {"TrailerTransferEncoding",
         chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
         {400},
         After::Closed},
        {"SmuggledAfterTheLastChunk", chunked("0\r\n\r\n") + kSmuggled, {200, 200}, After::Open},
    };
}

std::vector<Case> request_lines() {
    const std::string rest = " HTTP/1.1\r\n" + kHost + kEnd;
    return {
        {"LowerCaseMethod", "get /ping" + rest, {501}, After::Closed},
        {"UnknownMethod", "FROBNICATE /ping" + rest, {501}, After::Closed},
        {"MethodOf2000Letters", std::string(2000, 'M') + " /ping" + rest, {501}, After::Closed},
        {"Put", "PUT /ping" + rest, {405}, After::Open},
        {"Patch", "PATCH /ping" + rest, {405}, After::Open},
        {"Options", "OPTIONS /ping" + rest, {405}, After::Open},
        {"OptionsStar", "OPTIONS *" + rest, {405}, After::Open},
        {"Trace", "TRACE /ping" + rest, {405}, After::Open},
        {"Connect", "CONNECT sluice.test:443" + rest, {405}, After::Open},
        {"DeleteWherePathHasNone", "DELETE /ping" + rest, {405}, After::Open},
        {"PostWherePathHasNone", "POST /ping" + rest, {405}, After::Open},
        {"NoSuchPath", get("/nowhere"), {404}, After::Open},
        {"ParameterMissing", get("/item/"), {404}, After::Open},
        {"EncodedSlashInStructure", get("/item%2Fabc"), {404}, After::Open},
        {"DoubledSlash", get("//ping"), {404}, After::Open},
        {"NoTarget", "GET " + rest, {400}, After::Closed},
        {"TwoSpaces", "GET  /ping" + rest, {400}, After::Closed},
        {"TabForSpace", "GET\t/ping" + rest, {400}, After::Closed},
        {"TrailingSpace", "GET /ping HTTP/1.1 \r\n" + kHost + kEnd, {400}, After::Closed},
        {"LeadingSpace", " GET /ping" + rest, {400}, After::Closed},
        {"Http09", "GET /ping\r\n\r\n", {400}, After::Closed},
        {"LineFeedOnly", "GET /ping HTTP/1.1\nHost: sluice.test\n\n", {400}, After::Closed},
        {"NulInMethod", std::string("G\0T /ping", 9) + rest, {400}, After::Closed},
        {"NulInTarget", std::string("GET /pi\0ng", 10) + rest, {400}, After::Closed},
        {"DeleteInTarget", "GET /pi\x7fng" + rest, {400}, After::Closed},
        {"Latin1InTarget", "GET /pi\xe9ng" + rest, {400}, After::Open},
        {"Fragment", get("/ping#top"), {400}, After::Open},
        {"NoLeadingSlash", get("ping"), {400}, After::Open},
        {"Asterisk", get("*"), {400}, After::Open},
        {"DotSegment", get("/./ping"), {400}, After::Open},
        {"DotDotSegment", get("/item/../ping"), {400}, After::Open},
        {"EncodedDotDot", get("/item/%2e%2E/ping"), {400}, After::Open},
        {"EncodedNul", get("/ping%00"), {400}, After::Open},
        {"EncodedLineFeed", get("/ping%0a"), {400}, After::Open},
        {"EncodedBackslash", get("/item%5cping"), {400}, After::Open},
        {"Backslash", get("/item\\ping"), {400}, After::Open},
        {"BrokenEscape", get("/ping%4"), {400}, After::Open},
        {"EscapeOfLetters", get("/ping%zz"), {400}, After::Open},
        {"BrokenEscapeInQuery", get("/ping?a=%g1"), {400}, After::Open},
        {"AbsoluteFormOtherHost", get("http://elsewhere.test/ping"), {400}, After::Closed},
        {"AbsoluteFormUserInformation", get("http://user@sluice.test/ping"), {400}, After::Open},
        {"AbsoluteFormOtherScheme", get("ftp://sluice.test/ping"), {400}, After::Open},
        {"TargetOf9000Bytes", get("/" + std::string(9000, 'p')), {414}, After::Closed},
        {"TargetOf40000Bytes", get("/" + std::string(40'000, 'p')), {414}, After::Closed},
        {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, After::Closed},
        {"Http20", "GET /ping HTTP/2.0\r\n" + kHost + kEnd, {505}, After::Closed},
        {"Http12", "GET /ping HTTP/1.2\r\n" + kHost + kEnd, {505}, After::Closed},
        {"Http09InWords", "GET /ping HTTP/0.9\r\n" + kHost + kEnd, {505}, After::Closed},
        {"LowerCaseProtocol", "GET /ping http/1.1\r\n" + kHost + kEnd, {400}, After::Closed},
        {"VersionOfThreeDigits", "GET /ping HTTP/1.10\r\n" + kHost + kEnd, {400}, After::Closed},
        {"OtherProtocol", "GET /ping RTSP/1.0\r\n" + kHost + kEnd, {400}, After::Closed},
        {"TlsOnThePlainPort",
         std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(300, '\x01'),
         {400},
         After::Closed},
        {"ThreeEmptyLinesFirst", "\r\n\r\n\r\n" + get("/ping"), {400}, After::Closed},
        {"BinaryNoise", std::string(500, '\xff'), {400}, After::Closed},
    };
}

std::vector<Case> fields() {
    const auto host = [](const std::string& line) { return "GET /ping HTTP/1.1\r\n" + line + "\r\n"; };
    return {
        {"HostMissing", host(""), {400}, After::Closed},
        {"HostTwice", host("Host: a\r\nHost: a\r\n"), {400}, After::Closed},
        {"HostTwiceDifferent", host("Host: a\r\nhost: b\r\n"), {400}, After::Closed},
        {"HostEmpty", host("Host:\r\n"), {400}, After::Closed},
        {"HostWithSpace", host("Host: a b\r\n"), {400}, After::Closed},
        {"HostWithPath", host("Host: a/b\r\n"), {400}, After::Closed},
        {"HostWithUser", host("Host: u@a\r\n"), {400}, After::Closed},
        {"HostList", host("Host: a, b\r\n"), {400}, After::Closed},
        {"HostPortOfLetters", host("Host: a:b\r\n"), {400}, After::Closed},
        {"HostPortTooLarge", host("Host: a:65536\r\n"), {400}, After::Closed},
        {"HostPortNegative", host("Host: a:-1\r\n"), {400}, After::Closed},
        {"HostBracketLeftOpen", host("Host: [::1\r\n"), {400}, After::Closed},
        {"HostNotIpv6InBrackets", host("Host: [abc]\r\n"), {400}, After::Closed},
        {"HostWithLatin1", host("Host: a\xe9\r\n"), {400}, After::Closed},
        {"HostMissingAbsoluteForm", "GET http://sluice.test/ping HTTP/1.1\r\n\r\n", {400}, After::Closed},
        {"FieldWithoutColon", get("/ping", "NoColon\r\n"), {400}, After::Closed},
        {"FieldWithoutName", get("/ping", ": value\r\n"), {400}, After::Closed},
        {"FieldNameWithSpace", get("/ping", "X A: b\r\n"), {400}, After::Closed},
        {"FieldNameWithControl", get("/ping", "X\x01: b\r\n"), {400}, After::Closed},
        {"FieldNameWithLatin1", get("/ping", "X\xe9: b\r\n"), {400}, After::Closed},
        {"FieldValueWithNul", get("/ping", std::string("X: a\0b\r\n", 8)), {400}, After::Closed},
        {"FieldValueWithControl", get("/ping", "X: a\x08\r\n"), {400}, After::Closed},
        {"FieldValueWithDelete", get("/ping", "X: a\x7f\r\n"), {400}, After::Closed},
        {"BareReturnInValue", get("/ping", "X: a\rb\r\n"), {400}, After::Closed},
        {"FoldedWithSpace", get("/ping", "X: a\r\n b\r\n"), {400}, After::Closed},
        {"FoldedWithTab", get("/ping", "X: a\r\n\tb\r\n"), {400}, After::Closed},
        {"FoldedEmpty", get("/ping", "X: a\r\n \r\n"), {400}, After::Closed},
        {"FoldBeforeTheFirstField", "GET /ping HTTP/1.1\r\n X: a\r\n" + kHost + kEnd, {400}, After::Closed},
        {"BadConnectionList", get("/ping", "Connection: close;x\x01\r\n"), {400}, After::Closed},
        {"HundredAndOneFields", get("/ping", repeat("X-A: b\r\n", 101)), {431}, After::Closed},
        {"FieldOf40Kilobytes", get("/ping", "X-Long: " + std::string(40'000, 'x') + "\r\n"), {431}, After::Closed},
        {"FieldOf70Kilobytes", get("/ping", "X-Long: " + std::string(70'000, 'x') + "\r\n"), {431}, After::Closed},
        {"FieldNameOf40Kilobytes", get("/ping", std::string(40'000, 'x') + ": a\r\n"), {431}, After::Closed},
        {"NinetyFieldsOf1Kilobyte",
         get("/ping", repeat("X-A: " + std::string(1000, 'b') + "\r\n", 90)),
         {431},
         After::Closed},
        {"ContentEncodingGzip",
         post("/echo", "Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"),
         {415},
         After::Open},
        {"ContentEncodingIdentity",
         post("/echo", "Content-Encoding: identity\r\nContent-Length: 5\r\n", "hello"),
         {200},
         After::Open},
        {"ContentEncodingChunked",
         post("/echo", "Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         {415},
         After::Closed},
        {"MediaTypeForm",
         post("/echo", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n", "a=b"),
         {415},
         After::Open},
        {"MediaTypeText", post("/echo", "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), {415}, After::Open},
        {"MediaTypeMultipart",
         post("/echo", "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2\r\n", "{}"),
         {415},
         After::Open},
        {"MediaTypeLatin1",
         post("/echo", "Content-Type: application/json; charset=latin1\r\nContent-Length: 2\r\n", "{}"),
         {415},
         After::Open},
        {"MediaTypeTwice",
         post("/echo", "Content-Type: application/json\r\nContent-Type: application/json\r\nContent-Length: 2\r\n",
              "{}"),
         {400},
         After::Open},
        {"ExpectUnknown", post("/echo", "Expect: 200-maybe\r\nContent-Length: 5\r\n", "hello"), {417}, After::Open},
        {"ExpectTwice",
         post("/echo", "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
         {417},
         After::Open},
        {"ExpectWithBodyAtHand",
         post("/echo", "Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"),
         {200},
         After::Open},
        {"ExpectWithoutBody", post("/echo", "Expect: 100-continue\r\n"), {200}, After::Open},
        {"ExpectTooLarge", post("/echo", "Expect: 100-continue\r\nContent-Length: 5000\r\n"), {413}, After::Closed},
        {"ExpectWithoutKey", post("/locked", "Expect: 100-continue\r\nContent-Length: 5\r\n"), {401}, After::Closed},
        {"ExpectOnHttp10IsIgnored",
         "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
         {200},
         After::Closed},
    };
}

std::vector<Case> identity_and_order() {
    const std::string body = "Content-Length: 2\r\n";
    return {
        {"Key", post("/locked", kBearer + body, "{}"), {200}, After::Open},
        {"KeySchemeInLowerCase",
         post("/locked", "Authorization: bearer " + std::string(kKey) + "\r\n" + body, "{}"),
         {200},
         After::Open},
        {"KeyMissing", post("/locked", body, "{}"), {401}, After::Open},
        {"KeyWrong", post("/locked", "Authorization: Bearer nobody\r\n" + body, "{}"), {401}, After::Open},
        {"KeyEmpty", post("/locked", "Authorization: Bearer \r\n" + body, "{}"), {401}, After::Open},
        {"KeyOtherScheme",
         post("/locked", "Authorization: Basic " + std::string(kKey) + "\r\n" + body, "{}"),
         {401},
         After::Open},
        {"KeyWithoutScheme",
         post("/locked", "Authorization: " + std::string(kKey) + "\r\n" + body, "{}"),
         {401},
         After::Open},
        {"KeyPrefix", post("/locked", "Authorization: Bearer sk-sluice\r\n" + body, "{}"), {401}, After::Open},
        {"KeyTwice", post("/locked", kBearer + kBearer + body, "{}"), {400}, After::Closed},
        {"KeyTwiceOnAnOpenRoute", get("/ping", kBearer + "authorization: Bearer x\r\n"), {400}, After::Closed},
        {"KeyMissingLargeBody",
         post("/locked", "Content-Length: 1000000\r\n", std::string(1'000'000, 'x')),
         {401},
         After::Closed},
        {"KeyMissingChunked",
         post("/locked", "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
         {401},
         After::Closed},
        {"KeyMissingBeforeMediaType", post("/locked", "Content-Type: text/plain\r\n" + body, "{}"), {401}, After::Open},
        {"DeleteWithKey", "DELETE /locked HTTP/1.1\r\n" + kHost + kBearer + kEnd, {200}, After::Open},
        {"TwoRequests", get("/ping") + get("/item/2"), {200, 200}, After::Open},
        {"TenRequests", repeat(get("/ping"), 10), std::vector<int>(10, 200), After::Open},
        {"TwoHundredRequests", repeat(get("/ping"), 200), std::vector<int>(200, 200), After::Open},
        {"BodiesAndNone",
         post("/echo", "Content-Length: 3\r\n", "abc") + get("/ping") + chunked("1\r\nx\r\n0\r\n\r\n") + get("/ping"),
         {200, 200, 200, 200},
         After::Open},
        {"NotFoundInTheMiddle", get("/ping") + get("/nowhere") + get("/ping"), {200, 404, 200}, After::Open},
        {"TooLargeInTheMiddle",
         get("/ping") + post("/echo", "Content-Length: 5000\r\n", std::string(5000, 'x')) + get("/ping"),
         {200, 413, 200},
         After::Open},
        {"UnauthorizedInTheMiddle",
         get("/ping") + post("/locked", body, "{}") + get("/ping"),
         {200, 401, 200},
         After::Open},
        {"MalformedInTheMiddle",
         get("/ping") + post("/echo", "Content-Length: x\r\n", "abc") + get("/ping"),
         {200, 400},
         After::Closed},
        {"CloseInTheMiddle",
         get("/ping") + get("/ping", "Connection: close\r\n") + get("/ping"),
         {200, 200},
         After::Closed},
        {"StreamsInARow", get("/events/3") + get("/events/0") + get("/ping"), {200, 200, 200}, After::Open},
        {"HandlerThatThrows", get("/throws") + get("/ping"), {500}, After::Closed},
        {"HandlerThatSaysNothing", get("/silent"), {500}, After::Closed},
        {"HandlerWithABadHeader", get("/bad-header") + get("/ping"), {500, 200}, After::Open},
        {"Http10", "GET /ping HTTP/1.0\r\n\r\n", {200}, After::Closed},
        {"Http10WithHost", "GET /ping HTTP/1.0\r\n" + kHost + kEnd, {200}, After::Closed},
        {"Http10HostTwice", "GET /ping HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", {400}, After::Closed},
        {"Http10KeepAlive", "GET /ping HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", {200}, After::Open},
        {"Http10BytesAfterTheAnswer", "GET /ping HTTP/1.0\r\n\r\n" + kSmuggled, {200}, After::Closed},
        {"NothingThenFin", "", {}, After::FinThenClosed},
        {"EmptyLineThenFin", "\r\n", {}, After::FinThenClosed},
        {"HalfARequestLineThenFin", "GET /pi", {400}, After::FinThenClosed},
        {"HalfAHeaderThenFin", "GET /ping HTTP/1.1\r\nHost: sl", {400}, After::FinThenClosed},
        {"HalfABodyThenFin", post("/echo", "Content-Length: 10\r\n", "hello"), {400}, After::FinThenClosed},
        {"HalfAChunkThenFin", chunked("a\r\nhello"), {400}, After::FinThenClosed},
        {"LastChunkMissingThenFin", chunked("5\r\nhello\r\n"), {400}, After::FinThenClosed},
        {"WholeRequestThenFin", get("/ping"), {200}, After::FinThenClosed},
        {"WholeStreamThenFin", get("/events/5"), {200}, After::FinThenClosed},
        {"ThreeRequestsThenFin",
         get("/ping") + post("/echo", "Content-Length: 1\r\n", "x") + get("/ping"),
         {200, 200, 200},
         After::FinThenClosed},
        {"OneAndAHalfThenFin", get("/ping") + "GET /pi", {200, 400}, After::FinThenClosed},
    };
}

class EdgeRaw : public ::testing::TestWithParam<Case> {
protected:
    // One server for all cases of a kind: what one leaves behind would meet the next.
    static void SetUpTestSuite() { server_.emplace(); }
    static void TearDownTestSuite() { server_.reset(); }
    static std::optional<TestServer> server_;
};

std::optional<TestServer> EdgeRaw::server_;

TEST_P(EdgeRaw, GetsItsAnswersAndNothingElse) {
    const Case& sample = GetParam();
    RawClient client(server_->port());
    client.send(sample.bytes);  // may fail half-way: the server answers early and stops reading after its bound
    if (sample.after == After::FinThenClosed) client.shutdown_send();
    for (std::size_t i = 0; i < sample.statuses.size(); ++i) {
        const auto answer = client.read_answer();
        ASSERT_TRUE(answer) << "no answer " << i;
        EXPECT_EQ(answer->status, sample.statuses[i]) << "answer " << i << ": " << answer->body;
        EXPECT_TRUE(answer->complete);
        EXPECT_FALSE(answer->header("x-request-id").empty());
        EXPECT_FALSE(answer->header("date").empty());
        if (answer->status >= 400) {
            EXPECT_EQ(answer->body.rfind(R"({"error":{"message":")", 0), 0U) << answer->body;
        }
    }
    if (sample.after == After::Open) {
        ASSERT_TRUE(client.send("GET /item/probe HTTP/1.1\r\nHost: sluice.test\r\n\r\n"));
        const auto probe = client.read_answer();
        ASSERT_TRUE(probe) << "the connection was closed";
        EXPECT_EQ(probe->status, 200);
        EXPECT_EQ(probe->body, "probe?");
    } else {
        EXPECT_TRUE(client.at_end()) << client.buffered();
    }
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(WellFormed, EdgeRaw, ::testing::ValuesIn(well_formed()), case_name);
INSTANTIATE_TEST_SUITE_P(TransferEncoding, EdgeRaw, ::testing::ValuesIn(transfer_encoding()), case_name);
INSTANTIATE_TEST_SUITE_P(ContentLength, EdgeRaw, ::testing::ValuesIn(content_length()), case_name);
INSTANTIATE_TEST_SUITE_P(Chunks, EdgeRaw, ::testing::ValuesIn(chunks()), case_name);
INSTANTIATE_TEST_SUITE_P(RequestLines, EdgeRaw, ::testing::ValuesIn(request_lines()), case_name);
INSTANTIATE_TEST_SUITE_P(Fields, EdgeRaw, ::testing::ValuesIn(fields()), case_name);
INSTANTIATE_TEST_SUITE_P(IdentityAndOrder, EdgeRaw, ::testing::ValuesIn(identity_and_order()), case_name);

}  // namespace
}  // namespace sluice::gateway::testing
