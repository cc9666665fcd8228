// Who owns which page of the key/value cache. Pages hold kPageTokens tokens of one sequence, in all layers; the memory
// behind them is kv/cache.hpp's. Engine thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::local_engine {

std::int64_t pages_for(std::int64_t tokens);

class PagePool {
public:
    explicit PagePool(std::int32_t total);
    PagePool(const PagePool&) = delete;
    PagePool& operator=(const PagePool&) = delete;

    std::int64_t total() const { return total_; }
    std::int64_t available() const { return static_cast<std::int64_t>(free_.size()); }

private:
    friend class PageList;
    std::int64_t total_;
    std::vector<std::int32_t> free_;
};

// The pages of one sequence, in order of position; they return to the pool with it. The pool outlives it.
class PageList {
public:
    explicit PageList(PagePool& pool) : pool_(&pool) {}
    PageList(PageList&& other) noexcept;
    PageList& operator=(PageList&& other) noexcept;
    ~PageList() { clear(); }

    // Room for that many tokens; false, and no change, when the pool has too few pages.
    bool grow_to(std::int64_t tokens);
    void clear();
    std::span<const std::int32_t> pages() const { return pages_; }

private:
    PagePool* pool_;
    std::vector<std::int32_t> pages_;
};

}  // namespace sluice::local_engine
