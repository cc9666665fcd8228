// The Runtime of a real card: memory, one stream, launches. The only file that nvcc compiles and that knows the CUDA
// runtime, which is linked statically: the program starts on machines without a driver and says so when asked for one.
#include "local_engine/kernels/cuda/launch.cuh"

#include <cuda_runtime_api.h>

#include <mutex>
#include <shared_mutex>
#include <string>

namespace sluice::local_engine::cuda {
namespace {

constexpr std::size_t kSharedWithoutAsking = 48 * 1024;

// A fault of a kernel ends the context that all devices of the process share, and only a reset makes a new one. Memory
// and streams of before are gone then, and their addresses may be somebody else's: whoever uses the driver holds `use`,
// and looks whether the context is still the one it began with.
struct Context {
    std::shared_mutex use;
    std::uint64_t resets = 0;  // changed by who holds `use` alone
};
Context context;

// Errors after which every call fails until a reset.
bool ends_the_context(cudaError_t error) {
    switch (error) {
        case cudaErrorIllegalAddress:
        case cudaErrorLaunchTimeout:
        case cudaErrorContextIsDestroyed:
        case cudaErrorAssert:
        case cudaErrorHardwareStackError:
        case cudaErrorIllegalInstruction:
        case cudaErrorMisalignedAddress:
        case cudaErrorInvalidAddressSpace:
        case cudaErrorInvalidPc:
        case cudaErrorLaunchFailure:
        case cudaErrorECCUncorrectable: return true;
        default: return false;
    }
}

class CudaRuntime : public Device {
public:
    explicit CudaRuntime(int index) {
        const std::shared_lock lock(context.use);
        began_with_ = context.resets;
        cudaDeviceProp card{};
        if (!check(cudaSetDevice(index), "choosing the card") || !check(cudaGetDeviceProperties(&card, index), "asking for its properties")) {
            return;
        }
        name_ = std::string("cuda ") + card.name + ", sm_" + std::to_string(card.major) + std::to_string(card.minor);
        check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
        // A kernel that was not compiled for this card is known here, not in the first request.
        cudaFuncAttributes attributes{};
        check(cudaFuncGetAttributes(&attributes, embed_kernel), "looking for kernels for " + name_);
    }
    ~CudaRuntime() override {
        const std::shared_lock lock(context.use);
        if (stream_ != nullptr && began_with_ == context.resets) cudaStreamDestroy(stream_);
    }
    bool context_lost() const { return context_lost_; }

    std::string name() const override { return name_; }
    std::string failure() const override { return failure_; }
    std::uint64_t free_memory() const override {
        std::size_t free = 0;
        std::size_t total = 0;
        const std::shared_lock lock(context.use);
        return cudaMemGetInfo(&free, &total) == cudaSuccess ? free : 0;
    }

    std::byte* allocate(std::size_t bytes) override {
        void* memory = nullptr;
        const std::shared_lock lock(context.use);
        if (!usable()) return nullptr;
        if (cudaMalloc(&memory, bytes) != cudaSuccess) {
            cudaGetLastError();  // too little memory is an answer, not a fault
            return nullptr;
        }
        check(cudaMemsetAsync(memory, 0, bytes, stream_), "clearing memory");
        return static_cast<std::byte*>(memory);
    }
    void release(std::byte* memory) override {
        const std::shared_lock lock(context.use);
        if (began_with_ == context.resets) check(cudaFree(memory), "freeing memory");
    }
    // From pageable memory: the runtime has copied `from` away, or used it, when this returns.
    void upload(void* to, const void* from, std::size_t bytes) override {
        const std::shared_lock lock(context.use);
        if (usable()) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "copying to the card");
    }
    void download(void* to, const void* from, std::size_t bytes) override {
        {
            const std::shared_lock lock(context.use);
            if (usable()) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the card");
        }
        finish();
    }
    void finish() override {
        const std::shared_lock lock(context.use);
        if (usable()) check(cudaStreamSynchronize(stream_), "computing");
    }

protected:
    template <auto kKernel, class Operation>
    void launch(const Grid& grid, std::int32_t threads, std::size_t shared, const Operation& op) {
        const std::shared_lock lock(context.use);
        if (grid.empty() || !usable()) return;
        if (shared > kSharedWithoutAsking &&
            !check(cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
                   "asking for shared memory")) {
            return;
        }
        const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
        kKernel<<<blocks, static_cast<unsigned>(threads), shared, stream_>>>(op);
        check(cudaGetLastError(), "starting a kernel");
    }

private:
    bool check(cudaError_t error, const std::string& doing) {
        if (error == cudaSuccess) return true;
        context_lost_ = context_lost_ || ends_the_context(error);
        if (failure_.empty()) failure_ = doing + ": " + cudaGetErrorString(error);
        return false;
    }
    // With `use` held.
    bool usable() {
        if (failure_.empty() && began_with_ != context.resets) failure_ = "the card was reset after a fault of another model";
        return failure_.empty();
    }

    std::uint64_t began_with_ = 0;
    bool context_lost_ = false;
    std::string name_, failure_;
    cudaStream_t stream_ = nullptr;
};

}  // namespace

std::unique_ptr<Device> open_compiled_device(int index, std::string& why) {
    int cards = 0;
    const cudaError_t error = cudaGetDeviceCount(&cards);
    if (ends_the_context(error)) cards = index + 1;  // what an earlier device did: see below
    else if (error != cudaSuccess || cards == 0) {
        cudaGetLastError();
        why = std::string("no CUDA card can be used: ") + (error != cudaSuccess ? cudaGetErrorString(error) : "there is none");
        return nullptr;
    }
    if (index < 0 || index >= cards) {
        why = "there is no CUDA card " + std::to_string(index) + ", only " + std::to_string(cards);
        return nullptr;
    }
    auto device = std::make_unique<DeviceOperations<CudaRuntime>>(index);
    if (device->context_lost()) {  // by an earlier device of this process
        device.reset();
        {
            const std::unique_lock lock(context.use);
            cudaDeviceReset();
            ++context.resets;
        }
        device = std::make_unique<DeviceOperations<CudaRuntime>>(index);
    }
    if (why = device->failure(); !why.empty()) return nullptr;
    return device;
}

}  // namespace sluice::local_engine::cuda
