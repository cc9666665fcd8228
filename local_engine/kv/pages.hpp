// Who owns which page of the key/value cache. A page holds kPageTokens tokens, in all layers. Full pages may be shared:
// they carry a name (kv/prefix_keys.hpp) under which later sequences with the same beginning find them, and stay after
// their owners have gone until somebody needs the room, the longest unused first. Engine thread only.
#pragma once

#include "local_engine/kv/prefix_keys.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

std::int64_t pages_for(std::int64_t tokens);

class PagePool {
public:
    explicit PagePool(std::int32_t total);
    PagePool(const PagePool&) = delete;
    PagePool& operator=(const PagePool&) = delete;

    std::int64_t total() const { return static_cast<std::int64_t>(pages_.size()); }
    // That can be had now: empty ones and kept ones nobody uses.
    std::int64_t available() const { return static_cast<std::int64_t>(free_.size() + unused_.size()); }
    std::int64_t kept() const { return static_cast<std::int64_t>(names_.size()); }  // pages with a name
    // Whether a page of that name is there and holds exactly these tokens; `used`: somebody holds it.
    struct Found {
        std::int32_t page = 0;
        bool used = false;
    };
    std::optional<Found> find(const PageKey& key, std::span<const std::int32_t> tokens) const;

private:
    friend class PageList;
    struct Page {
        std::int32_t users = 0;
        bool named = false;
        PageKey key = {};
        std::vector<std::int32_t> tokens = {};  // of a named page
        std::list<std::int32_t>::iterator place = {};  // in unused_, when named and without users
    };
    struct KeyHash {
        std::size_t operator()(const PageKey& key) const;
    };

    std::int32_t take();  // available() > 0
    void hold(std::int32_t page);
    void release(std::int32_t page);
    void name(std::int32_t page, const PageKey& key, std::span<const std::int32_t> tokens);
    Page& at(std::int32_t page) { return pages_[static_cast<std::size_t>(page)]; }

    std::vector<Page> pages_;
    std::vector<std::int32_t> free_;
    std::list<std::int32_t> unused_;  // named, without users; the longest unused first
    std::unordered_map<PageKey, std::int32_t, KeyHash> names_;
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
    void adopt(std::int32_t page);  // a found page becomes the next one of this list
    // Page `index` is full and will not change: it can be found under that name from now on, unless another one is.
    void share(std::size_t index, const PageKey& key, std::span<const std::int32_t> tokens);
    void clear();
    std::span<const std::int32_t> pages() const { return pages_; }

private:
    PagePool* pool_;
    std::vector<std::int32_t> pages_;
};

}  // namespace sluice::local_engine
