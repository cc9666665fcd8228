// A function with a stack of its own, resumed and paused by hand. AddressSanitizer keeps books about stacks: it is told of every
// change, which Boost.Context alone does not do.
#pragma once

#include <boost/context/fiber.hpp>

#include <cstddef>
#include <functional>

namespace sluice::local_engine::cuda::emulator {

class Fiber {
public:
    // `body` begins with the first resume() and may pause().
    explicit Fiber(std::function<void()> body);
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;
    ~Fiber();  // a paused body is unwound: its pause() throws

    void resume();  // from outside: until the body pauses or ends
    void pause();   // from inside

private:
    struct Ended {};
    struct Stack {
        const void* bottom = nullptr;
        std::size_t bytes = 0;
    };
    class NotedStack;
    boost::context::fiber run(boost::context::fiber&& back);

    std::function<void()> body_;
    Stack own_, outside_;
    void* saved_ = nullptr;  // AddressSanitizer's state of the body while it is paused
    bool ending_ = false;
    boost::context::fiber context_;  // of the body while it is paused
    boost::context::fiber back_;     // of who resumed it, while it runs
};

}  // namespace sluice::local_engine::cuda::emulator
