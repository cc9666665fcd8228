#include "fiber.hpp"

#include <boost/context/fixedsize_stack.hpp>

#include <memory>
#include <utility>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
namespace {
void __sanitizer_start_switch_fiber(void**, const void*, std::size_t) {}
void __sanitizer_finish_switch_fiber(void*, const void**, std::size_t*) {}
}  // namespace
#endif

namespace sluice::local_engine::cuda::emulator {

namespace context = boost::context;

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kStackBytes = 256 * 1024;  // its frames are larger
#else
constexpr std::size_t kStackBytes = 64 * 1024;
#endif

// Says where the stack is.
class Fiber::NotedStack {
public:
    explicit NotedStack(Stack& note) : note_(&note) {}
    context::stack_context allocate() {
        auto stack = inner_.allocate();
        *note_ = {static_cast<const char*>(stack.sp) - stack.size, stack.size};
        return stack;
    }
    void deallocate(context::stack_context& stack) { inner_.deallocate(stack); }

private:
    context::fixedsize_stack inner_{kStackBytes};
    Stack* note_;
};

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)),
      context_(std::allocator_arg, NotedStack(own_), [this](context::fiber&& back) { return run(std::move(back)); }) {}

Fiber::~Fiber() {
    ending_ = true;
    if (context_) resume();
}

context::fiber Fiber::run(context::fiber&& back) {
    __sanitizer_finish_switch_fiber(nullptr, &outside_.bottom, &outside_.bytes);
    back_ = std::move(back);
    try {
        if (!ending_) body_();
    } catch (const Ended&) {
    }
    __sanitizer_start_switch_fiber(nullptr, outside_.bottom, outside_.bytes);
    return std::move(back_);
}

void Fiber::resume() {
    void* saved = nullptr;
    __sanitizer_start_switch_fiber(&saved, own_.bottom, own_.bytes);
    context_ = std::move(context_).resume();
    __sanitizer_finish_switch_fiber(saved, nullptr, nullptr);
}

void Fiber::pause() {
    __sanitizer_start_switch_fiber(&saved_, outside_.bottom, outside_.bytes);
    back_ = std::move(back_).resume();
    __sanitizer_finish_switch_fiber(saved_, &outside_.bottom, &outside_.bytes);
    if (ending_) throw Ended{};
}

}  // namespace sluice::local_engine::cuda::emulator
