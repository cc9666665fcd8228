#include "emulated_device.hpp"

#include "emulator.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>

namespace sluice::local_engine::testing {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kGuard = 256;
constexpr std::byte kGuardByte{0xA5};

class HostRuntime : public cuda::Device {
public:
    explicit HostRuntime(const EmulatedOptions& options) : emulator_(options.seed), free_(options.memory), faults_(options.faults) {}
    ~HostRuntime() override {
        for (const auto& [memory, _] : sizes_) std::free(memory);
    }

    std::string name() const override { return "emulated CUDA"; }
    std::string failure() const override { return failure_; }
    std::uint64_t free_memory() const override { return free_; }

    std::byte* allocate(std::size_t bytes) override {
        if (bytes > free_) return nullptr;
        const std::size_t whole = (bytes + kGuard + kAlignment - 1) / kAlignment * kAlignment;
        auto* memory = static_cast<std::byte*>(std::aligned_alloc(kAlignment, whole));
        if (memory == nullptr) return nullptr;
        std::fill_n(memory, bytes, std::byte{0});
        std::fill(memory + bytes, memory + whole, kGuardByte);
        sizes_[memory] = bytes;
        free_ -= bytes;
        return memory;
    }
    void release(std::byte* memory) override {
        check(memory);
        free_ += sizes_.at(memory);
        sizes_.erase(memory);
        std::free(memory);
    }
    void upload(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
    void download(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
    void finish() override {
        for (const auto& [memory, _] : sizes_) check(memory);
    }

protected:
    template <auto kKernel, class Operation>
    void launch(const cuda::Grid& grid, std::int32_t threads, std::size_t shared, const Operation& op) {
        if (grid.empty() || !failure_.empty()) return;
        if (faults_ && faults_->launches.fetch_sub(1) == 0) {
            faults_->launches = Faults::kNever;  // of the next device
            failure_ = "computing: the emulated card was told to fail";
            return;
        }
        try {
            emulator_.run(grid, threads, shared, [&op] { kKernel(op); });
        } catch (const std::logic_error& error) {
            failure_ = error.what();
        }
    }

private:
    void check(std::byte* memory) {
        const std::byte* guard = memory + sizes_.at(memory);
        if (std::any_of(guard, guard + kGuard, [](std::byte byte) { return byte != kGuardByte; })) {
            failure_ = "a kernel wrote behind the memory it was given";
        }
    }

    cuda::emulator::Emulator emulator_;
    std::size_t free_;
    std::shared_ptr<Faults> faults_;
    std::map<std::byte*, std::size_t> sizes_;
    std::string failure_;
};

}  // namespace

std::unique_ptr<cuda::Device> make_emulated_device(const EmulatedOptions& options) {
    return std::make_unique<cuda::DeviceOperations<HostRuntime>>(options);
}

}  // namespace sluice::local_engine::testing
