#include "local_engine/kv/pages.hpp"

#include "local_engine/kernels/batch.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::local_engine {

std::int64_t pages_for(std::int64_t tokens) {
    return (tokens + kPageTokens - 1) / kPageTokens;
}

PagePool::PagePool(std::int32_t total) : pages_(static_cast<std::size_t>(total)) {
    free_.reserve(static_cast<std::size_t>(total));
    for (std::int32_t page = total - 1; page >= 0; --page) free_.push_back(page);  // low numbers leave first
}

std::size_t PagePool::KeyHash::operator()(const PageKey& key) const {
    std::size_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash);  // keys are digests: any part of them is as good as a hash
    return hash;
}

std::optional<PagePool::Found> PagePool::find(const PageKey& key, std::span<const std::int32_t> tokens) const {
    const auto found = names_.find(key);
    if (found == names_.end()) return std::nullopt;
    const Page& page = pages_[static_cast<std::size_t>(found->second)];
    if (!std::ranges::equal(page.tokens, tokens)) return std::nullopt;
    return Found{found->second, page.users > 0};
}

std::int32_t PagePool::take() {
    std::int32_t number = 0;
    if (!free_.empty()) {
        number = free_.back();
        free_.pop_back();
    } else {
        number = unused_.front();
        unused_.pop_front();
        names_.erase(at(number).key);
        at(number).named = false;
        at(number).tokens.clear();
    }
    at(number).users = 1;
    return number;
}

void PagePool::hold(std::int32_t number) {
    Page& page = at(number);
    if (page.users++ == 0) unused_.erase(page.place);
}

void PagePool::release(std::int32_t number) {
    Page& page = at(number);
    if (--page.users > 0) return;
    if (page.named) page.place = unused_.insert(unused_.end(), number);
    else free_.push_back(number);
}

void PagePool::name(std::int32_t number, const PageKey& key, std::span<const std::int32_t> tokens) {
    Page& page = at(number);
    if (page.named || !names_.try_emplace(key, number).second) return;
    page.named = true;
    page.key = key;
    page.tokens.assign(tokens.begin(), tokens.end());
}

PageList::PageList(PageList&& other) noexcept : pool_(other.pool_), pages_(std::exchange(other.pages_, {})) {}

PageList& PageList::operator=(PageList&& other) noexcept {
    if (this == &other) return *this;
    clear();
    pool_ = other.pool_;
    pages_ = std::exchange(other.pages_, {});
    return *this;
}

bool PageList::grow_to(std::int64_t tokens) {
    const std::int64_t missing = pages_for(tokens) - static_cast<std::int64_t>(pages_.size());
    if (missing > pool_->available()) return false;
    for (std::int64_t i = 0; i < missing; ++i) pages_.push_back(pool_->take());
    return true;
}

void PageList::adopt(std::int32_t page) {
    pool_->hold(page);
    pages_.push_back(page);
}

void PageList::share(std::size_t index, const PageKey& key, std::span<const std::int32_t> tokens) {
    pool_->name(pages_[index], key, tokens);
}

void PageList::clear() {
    // The last first: of what is kept, ends of prompts go before their beginnings.
    while (!pages_.empty()) {
        pool_->release(pages_.back());
        pages_.pop_back();
    }
}

}  // namespace sluice::local_engine
