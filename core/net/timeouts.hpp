// Deadlines of many sockets from one timer: a wheel of lists, advanced every kTick by a single asio timer that runs
// only while a deadline is set. Setting, moving and clearing one costs a few stores: no allocation, no system call. One
// per io_context (a service of it: Timeouts::of); used on that context's thread only. Deadlines fire up to two ticks
// late, never early.
#pragma once

#include "core/async.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstdint>

namespace sluice::core {

class Timeouts final : public net::execution_context::service {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kTick{50};

    // Something with a deadline: derive from it. Unlinks itself when destroyed.
    class Entry {
    public:
        explicit Entry(Timeouts& timeouts) : timeouts_(timeouts) {}
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        virtual ~Entry() { unlink(); }

        void expires_at(Clock::time_point at) {
            deadline_ = at;
            if (slot_ != nullptr && at >= linked_for_) return;  // looked at early enough, and moved on then
            timeouts_.link(*this);
        }
        void expires_after(Clock::duration span) { expires_at(Clock::now() + span); }
        void expires_never() { unlink(); }

    protected:
        virtual void on_deadline() = 0;  // once per deadline set; may set a new one and may destroy the entry

    private:
        friend class Timeouts;
        void unlink();

        Timeouts& timeouts_;
        Clock::time_point deadline_{};
        Clock::time_point linked_for_{};  // the deadline its slot was chosen for
        Entry** slot_ = nullptr;          // what points at this entry; null: not linked
        Entry* next_ = nullptr;
    };

    // The wheel of this context, made on first use.
    static Timeouts& of(net::io_context& context) { return net::use_service<Timeouts>(context); }

    using key_type = Timeouts;
    static inline net::execution_context::id id;
    explicit Timeouts(net::execution_context& context);

private:
    static constexpr std::uint64_t kSlots = 512;  // a turn is 25.6 s; what is further away is looked at once per turn

    void shutdown() override {}
    std::uint64_t elapsed_ticks() const;
    void link(Entry& entry);
    void wait_for_tick();
    void on_tick();
    void run_slot(std::uint64_t tick, Clock::time_point now);

    Timer timer_;
    Clock::time_point origin_;
    std::uint64_t current_ = 0;  // last tick that was run
    std::size_t linked_ = 0;
    bool running_ = false;
    std::array<Entry*, kSlots> slots_{};
};

}  // namespace sluice::core
