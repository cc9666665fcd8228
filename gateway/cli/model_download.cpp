#include "gateway/cli/model_download.hpp"

#include "gateway/cli/http_client.hpp"
#include "gateway/cli/part_file.hpp"
#include "gateway/config/values.hpp"

#include <fmt/format.h>

namespace sluice::gateway::cli {
namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr int kMostRedirects = 5;

std::string header(const HttpHead& head, const std::string& name) {
    const auto found = head.headers.find(name);
    return found == head.headers.end() ? std::string() : found->second;
}

// What may stand in If-Range: a strong ETag, else the date.
std::string validator_of(const HttpHead& head) {
    const std::string tag = header(head, "etag");
    return !tag.empty() && !tag.starts_with("W/") ? tag : header(head, "last-modified");
}

struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t total = 0;
};

// "bytes 100-999/1000"
std::optional<ContentRange> parse_content_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    const std::size_t slash = text.find('/');
    if (!text.starts_with("bytes ") || dash == std::string_view::npos || slash == std::string_view::npos)
        return std::nullopt;
    const auto first = parse_integer(text.substr(6, dash - 6));
    const auto total = parse_integer(text.substr(slash + 1));
    if (!first || !total || *first < 0 || *total < 0) return std::nullopt;
    return ContentRange{static_cast<std::uint64_t>(*first), static_cast<std::uint64_t>(*total)};
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

class Download {
public:
    Download(const DownloadRequest& request, PartFile& part,
             const std::function<void(std::uint64_t, std::optional<std::uint64_t>)>& progress)
        : request_(request), part_(part), progress_(progress) {}

    // Follows redirects until the file has been read.
    Result<void> run() {
        auto url = parse_url(request_.url);
        if (!url) return url.error();
        resume_ = part_.size() > 0 && (!part_.validator().empty() || request_.sha256);
        for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
            moved_to_.clear();
            const Result<void> answered = ask(*url);
            if (!answered) return answered;
            if (moved_to_.empty()) return {};
            auto next = parse_url(moved_to_.starts_with('/') ? origin(*url) + moved_to_ : moved_to_);
            if (!next) return Error{Errc::UpstreamFailed, "redirected to something that is no URL"};
            if (url->tls && !next->tls) return Error{Errc::UpstreamFailed, "redirected from https to http: refused"};
            url = std::move(next);
        }
        return Error{Errc::UpstreamFailed, "too many redirects"};
    }

    Result<void> check_size() const {
        const auto expected = request_.size ? request_.size : total_;
        if (!expected || part_.size() == *expected) return {};
        return Error{Errc::Corrupt, fmt::format("{} bytes were expected, {} came", *expected, part_.size())};
    }

    std::uint64_t resumed_from() const { return resumed_from_; }

private:
    static std::string origin(const Url& url) { return (url.tls ? "https://" : "http://") + url.authority; }

    Result<void> ask(const Url& url) {
        HttpCall request{.url = url};
        if (resume_) {
            request.headers.emplace_back("Range", fmt::format("bytes={}-", part_.size()));
            if (!part_.validator().empty()) request.headers.emplace_back("If-Range", part_.validator());
        }
        bool skip_body = false;
        const auto head = [&](const HttpHead& answer) { return begin(answer, skip_body); };
        const auto piece = [&](std::string_view bytes) -> Result<void> {
            if (skip_body) return {};
            if (total_ && part_.size() + bytes.size() > *total_)
                return Error{Errc::Corrupt, "more bytes came than were announced"};
            if (auto kept = part_.append(bytes); !kept) return kept;
            progress_(part_.size(), total_);
            return {};
        };
        return call(request, head, piece);
    }

    Result<void> begin(const HttpHead& head, bool& skip_body) {
        if (is_redirect(head.status)) {
            moved_to_ = header(head, "location");
            skip_body = true;
            if (moved_to_.empty()) return Error{Errc::UpstreamFailed, "redirected without saying where to"};
            return {};
        }
        const auto range = parse_content_range(header(head, "content-range"));
        if (head.status == 206 && resume_ && range && range->first == part_.size()) {
            resumed_from_ = part_.size();
            return announce(range->total);
        }
        if (head.status == 416 && resume_) {  // nothing is left to send; size and SHA-256 tell whether it is the file
            skip_body = true;
            resumed_from_ = part_.size();
            const std::string size = header(head, "content-range");  // "bytes */1000"
            const auto total = size.starts_with("bytes */") ? parse_integer(size.substr(8)) : std::nullopt;
            if (total && *total >= 0) total_ = static_cast<std::uint64_t>(*total);
            return {};
        }
        if (head.status != 200) {
            return Error{.code = Errc::UpstreamRejected,
                         .detail = fmt::format("the server answered {}", head.status),
                         .upstream_status = head.status};
        }
        if (auto emptied = part_.restart(validator_of(head)); !emptied) return emptied;
        return head.content_length ? announce(*head.content_length) : Result<void>{};
    }

    Result<void> announce(std::uint64_t total) {
        if (request_.size && total != *request_.size) {
            return Error{Errc::Corrupt,
                         fmt::format("{} bytes were expected, the server has {}", *request_.size, total)};
        }
        total_ = total;
        return {};
    }

    const DownloadRequest& request_;
    PartFile& part_;
    const std::function<void(std::uint64_t, std::optional<std::uint64_t>)>& progress_;
    bool resume_ = false;
    std::uint64_t resumed_from_ = 0;
    std::string moved_to_;
    std::optional<std::uint64_t> total_;
};

}  // namespace

Result<Downloaded> download(const DownloadRequest& request,
                            const std::function<void(std::uint64_t, std::optional<std::uint64_t>)>& progress) {
    auto part = PartFile::open(request.target);
    if (!part) return part.error();
    Download running(request, *part, progress);
    Result<void> result = running.run();
    if (result) result = running.check_size();
    std::string sha256;
    if (result) {
        auto digest = part->sha256();
        if (!digest) return digest.error();
        sha256 = std::move(*digest);
        if (request.sha256 && sha256 != *request.sha256) {
            result = Error{Errc::Corrupt, fmt::format("its SHA-256 is {}, {} was expected", sha256, *request.sha256)};
        }
    }
    if (!result) {
        // What is known to be wrong is not resumed; what was cut short is.
        if (result.error().code == Errc::Corrupt || part->size() == 0) part->remove();
        return result.error();
    }
    if (auto committed = part->commit(); !committed) return committed.error();
    return Downloaded{.bytes = part->size(), .resumed_from = running.resumed_from(), .sha256 = std::move(sha256)};
}

}  // namespace sluice::gateway::cli
