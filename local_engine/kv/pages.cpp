#include "local_engine/kv/pages.hpp"

#include "local_engine/kernels/batch.hpp"

#include <utility>

namespace sluice::local_engine {

std::int64_t pages_for(std::int64_t tokens) {
    return (tokens + kPageTokens - 1) / kPageTokens;
}

PagePool::PagePool(std::int32_t total) : total_(total) {
    free_.reserve(static_cast<std::size_t>(total));
    for (std::int32_t page = total - 1; page >= 0; --page) free_.push_back(page);  // low numbers leave first
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
    for (std::int64_t i = 0; i < missing; ++i) {
        pages_.push_back(pool_->free_.back());
        pool_->free_.pop_back();
    }
    return true;
}

void PageList::clear() {
    while (!pages_.empty()) {  // the last first, so that the next sequence gets the same order
        pool_->free_.push_back(pages_.back());
        pages_.pop_back();
    }
}

}  // namespace sluice::local_engine
