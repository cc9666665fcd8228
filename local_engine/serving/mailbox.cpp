#include "local_engine/serving/mailbox.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::local_engine {

bool News::empty() const {
    return !error && std::ranges::all_of(choices, [](const ChoiceNews& choice) {
        return choice.text.empty() && choice.finish_reason.empty() && choice.reports.empty();
    });
}

void Mailbox::deliver(std::size_t choice, std::string_view text, std::string_view finish_reason,
                      std::vector<TokenReport> reports) {
    const std::lock_guard lock(mutex_);
    ++tokens_;
    ChoiceNews& news = pending_[choice];
    news.text += text;
    news.finish_reason = finish_reason;
    const bool nothing = text.empty() && finish_reason.empty() && reports.empty();
    std::ranges::move(reports, std::back_inserter(news.reports));
    if (!nothing) wake();
}

void Mailbox::deliver_vector(std::size_t choice, std::vector<float> vector) {
    const std::lock_guard lock(mutex_);
    pending_[choice].vector = std::move(vector);
    pending_[choice].finish_reason = "stop";
    wake();
}

void Mailbox::fail(core::Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    wake();
}

// Under the mutex: the listener clears loop_ under it, so the loop exists while something is posted to it.
void Mailbox::wake() {
    if (!loop_ || wake_posted_) return;
    wake_posted_ = true;
    core::net::post(*loop_, [self = shared_from_this()] {
        {
            const std::lock_guard lock(self->mutex_);
            self->wake_posted_ = false;
        }
        if (self->timer_ != nullptr) self->timer_->cancel();
    });
}

Listener::Listener(std::shared_ptr<Mailbox> mailbox, const core::Executor& loop)
    : mailbox_(std::move(mailbox)), timer_(loop) {
    const std::lock_guard lock(mailbox_->mutex_);
    mailbox_->loop_ = loop;
    mailbox_->timer_ = &timer_;
}

Listener::~Listener() {
    mailbox_->abandoned_ = true;
    const std::lock_guard lock(mailbox_->mutex_);
    mailbox_->loop_.reset();
    mailbox_->timer_ = nullptr;
}

News Listener::take() {
    const std::lock_guard lock(mailbox_->mutex_);
    News news{std::vector<ChoiceNews>(mailbox_->pending_.size()), std::exchange(mailbox_->error_, std::nullopt)};
    std::swap(news.choices, mailbox_->pending_);
    return news;
}

core::awaitable<News> Listener::next(core::Timer::time_point until) {
    News news = take();
    if (!news.empty()) co_return news;
    timer_.expires_at(until);
    boost::system::error_code woken;  // either way we look
    co_await timer_.async_wait(core::net::redirect_error(core::use_awaitable, woken));
    co_return take();
}

}  // namespace sluice::local_engine
