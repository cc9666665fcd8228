// `sluice models pull` against a scripted file server.
#include "core/crypto.hpp"
#include "tests/unit/gateway/cli_support.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

namespace sluice::gateway::cli {
namespace {

namespace net = boost::asio;
using ::testing::HasSubstr;
using ::testing::Not;

// Answers one connection after the other with the next text of its script, then closes; keeps the heads it was sent.
class FileServer {
public:
    explicit FileServer(std::vector<std::string> answers) : answers_(std::move(answers)), thread_([this] { run(); }) {}
    ~FileServer() {
        boost::system::error_code ignored;
        net::ip::tcp::socket(loop_).connect(acceptor_.local_endpoint(),
                                            ignored);  // wakes a server with nobody left to answer
        thread_.join();
    }
    FileServer(const FileServer&) = delete;
    FileServer& operator=(const FileServer&) = delete;

    std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
    }
    std::string head(std::size_t index) const {
        const std::lock_guard lock(mutex_);
        return heads_.at(index);
    }

private:
    void run() {
        for (const std::string& answer : answers_) {
            net::ip::tcp::socket client = acceptor_.accept();
            boost::system::error_code error;
            std::string head;
            net::read_until(client, net::dynamic_buffer(head), "\r\n\r\n", error);
            if (error) return;  // the test is over
            {
                const std::lock_guard lock(mutex_);
                heads_.push_back(head);
            }
            net::write(client, net::buffer(answer), error);
        }
    }

    std::vector<std::string> answers_;
    net::io_context loop_;
    net::ip::tcp::acceptor acceptor_{loop_, {net::ip::make_address("127.0.0.1"), 0}};
    mutable std::mutex mutex_;
    std::vector<std::string> heads_;
    std::thread thread_;
};

std::string whole(const std::string& body, const std::string& tag = "\"v1\"") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nETag: " + tag + "\r\n\r\n" + body;
}
std::string rest(const std::string& body, std::size_t from) {
    return "HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(body.size() - from) +
           "\r\nContent-Range: bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) + "/" +
           std::to_string(body.size()) + "\r\nETag: \"v1\"\r\n\r\n" + body.substr(from);
}

class ModelsPull : public CliTest {
protected:
    std::filesystem::path target() const { return directory_ / "model.gguf"; }
    std::filesystem::path part() const { return directory_ / "model.gguf.part"; }
    static std::string content(const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    Ran pull(const std::string& url, std::vector<std::string> more = {}) {
        std::vector<std::string> words{"models", "pull", url, "--to", target().string(), "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    const std::string body_ = std::string(300'000, 'm') + "end";
    const std::string sha256_ = core::to_hex(core::sha256(body_));
};

TEST_F(ModelsPull, FetchesAndChecks) {
    FileServer server({whole(body_)});
    const Ran ran =
        pull(server.url("/m.gguf?download=true"), {"--sha256", sha256_, "--size", std::to_string(body_.size())});
    ASSERT_EQ(ran.code, kDone) << ran.error;
    EXPECT_EQ(content(target()), body_);
    EXPECT_EQ(ran.json().at("sha256"), sha256_);
    EXPECT_FALSE(std::filesystem::exists(part()));
    EXPECT_THAT(server.head(0), HasSubstr("GET /m.gguf?download=true HTTP/1.1"));
    EXPECT_THAT(server.head(0), Not(HasSubstr("Range:")));
}

TEST_F(ModelsPull, GoesOnWhereItWasCutShort) {
    const std::string cut = whole(body_).substr(0, 100'000);
    FileServer server({cut, rest(body_, 100'000 - (whole(body_).size() - body_.size()))});
    EXPECT_EQ(pull(server.url("/m.gguf")).code, kFailed);
    EXPECT_FALSE(std::filesystem::exists(target()));
    const std::size_t kept = std::filesystem::file_size(part());
    EXPECT_EQ(kept, 100'000 - (whole(body_).size() - body_.size()));

    const Ran again = pull(server.url("/m.gguf"), {"--sha256", sha256_});
    ASSERT_EQ(again.code, kDone) << again.error;
    EXPECT_EQ(again.json().at("resumed_from"), kept);
    EXPECT_EQ(content(target()), body_);
    EXPECT_THAT(server.head(1), HasSubstr("Range: bytes=" + std::to_string(kept) + "-"));
    EXPECT_THAT(server.head(1), HasSubstr("If-Range: \"v1\""));
}

TEST_F(ModelsPull, StartsAnewWhenTheFileChanged) {
    const std::string other(200'000, 'n');
    FileServer server({whole(body_).substr(0, 100'000), whole(other, "\"v2\"")});
    EXPECT_EQ(pull(server.url("/m.gguf")).code, kFailed);
    const Ran again = pull(server.url("/m.gguf"));
    ASSERT_EQ(again.code, kDone) << again.error;
    EXPECT_EQ(again.json().at("resumed_from"), 0);
    EXPECT_EQ(content(target()), other);
}

TEST_F(ModelsPull, WrongContentIsRefusedAndRemoved) {
    FileServer server({whole(body_)});
    const Ran ran = pull(server.url("/m.gguf"), {"--sha256", std::string(64, '0')});
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_THAT(ran.error, HasSubstr("SHA-256"));
    EXPECT_FALSE(std::filesystem::exists(target()));
    EXPECT_FALSE(std::filesystem::exists(part()));
}

TEST_F(ModelsPull, WrongSizeIsRefusedBeforeItIsFetched) {
    FileServer server({whole(body_)});
    const Ran ran = pull(server.url("/m.gguf"), {"--size", "1000"});
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_THAT(ran.error, HasSubstr("1000 bytes were expected"));
    EXPECT_FALSE(std::filesystem::exists(target()));
}

TEST_F(ModelsPull, AnExistingFileIsNeverTouched) {
    std::ofstream(target()) << "precious";
    FileServer server({});
    EXPECT_EQ(pull(server.url("/m.gguf")).code, kFailed);
    EXPECT_EQ(content(target()), "precious");
}

TEST_F(ModelsPull, FollowsRedirectsAndRefusesLoops) {
    FileServer server({"HTTP/1.1 302 Found\r\nLocation: /there.gguf\r\nContent-Length: 5\r\n\r\nmoved", whole(body_)});
    ASSERT_EQ(pull(server.url("/here.gguf")).code, kDone);
    EXPECT_THAT(server.head(1), HasSubstr("GET /there.gguf "));
    EXPECT_EQ(content(target()), body_);

    std::filesystem::remove(target());
    const std::string again = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    FileServer loop(std::vector<std::string>(7, again));
    const Ran ran = pull(loop.url("/here.gguf"));
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_THAT(ran.error, HasSubstr("too many redirects"));
}

TEST_F(ModelsPull, AnErrorOfTheServerIsAnError) {
    FileServer server({"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", "garbage\r\n\r\n"});
    EXPECT_THAT(pull(server.url("/m.gguf")).error, HasSubstr("the server answered 404"));
    EXPECT_EQ(pull(server.url("/m.gguf")).code, kFailed);
    EXPECT_FALSE(std::filesystem::exists(part()));
}

TEST_F(ModelsPull, UrlsAndFileNamesAreChecked) {
    for (const auto* bad : {"file:///etc/passwd", "ftp://x/y", "m.gguf", "http://user:secret@127.0.0.1/m.gguf",
                            "http://", "https://x/a b"}) {
        EXPECT_EQ(pull(bad).code, kWrongUsage) << bad;
    }
    for (const auto* bad :
         {"http://127.0.0.1:1/", "http://127.0.0.1:1/..", "http://127.0.0.1:1/.hidden", "http://127.0.0.1:1/a%2fb"}) {
        EXPECT_EQ(run_here({"models", "pull", bad}).code, kWrongUsage) << bad;
    }
    EXPECT_EQ(pull("http://127.0.0.1:1/m.gguf", {"--sha256", "abc"}).code, kWrongUsage);
    EXPECT_EQ(pull("http://127.0.0.1:1/m.gguf", {"--size", "big"}).code, kWrongUsage);
    EXPECT_EQ(pull("http://127.0.0.1:1/m.gguf").code, kFailed);  // nobody listens there
}

}  // namespace
}  // namespace sluice::gateway::cli
