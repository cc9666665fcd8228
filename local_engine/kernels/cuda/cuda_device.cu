// The Runtime of a real card: memory, one stream, launches. The only file that nvcc compiles and that knows the CUDA
// runtime, which is linked statically: the program starts on machines without a driver and says so when asked for one.
#include "local_engine/kernels/cuda/launch.cuh"

#include <cuda_runtime_api.h>

#include <string>

namespace sluice::local_engine::cuda {
namespace {

constexpr std::size_t kSharedWithoutAsking = 48 * 1024;

class CudaRuntime : public Device {
public:
    explicit CudaRuntime(int index) {
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
        if (stream_ != nullptr) cudaStreamDestroy(stream_);
    }

    std::string name() const override { return name_; }
    std::string failure() const override { return failure_; }
    std::uint64_t free_memory() const override {
        std::size_t free = 0;
        std::size_t total = 0;
        return cudaMemGetInfo(&free, &total) == cudaSuccess ? free : 0;
    }

    std::byte* allocate(std::size_t bytes) override {
        void* memory = nullptr;
        if (!failure_.empty()) return nullptr;
        if (cudaMalloc(&memory, bytes) != cudaSuccess) {
            cudaGetLastError();  // too little memory is an answer, not a fault
            return nullptr;
        }
        check(cudaMemsetAsync(memory, 0, bytes, stream_), "clearing memory");
        return static_cast<std::byte*>(memory);
    }
    void release(std::byte* memory) override { check(cudaFree(memory), "freeing memory"); }
    // From pageable memory: the runtime has copied `from` away, or used it, when this returns.
    void upload(void* to, const void* from, std::size_t bytes) override {
        if (failure_.empty()) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "copying to the card");
    }
    void download(void* to, const void* from, std::size_t bytes) override {
        if (failure_.empty()) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the card");
        finish();
    }
    void finish() override {
        if (failure_.empty()) check(cudaStreamSynchronize(stream_), "computing");
    }

protected:
    template <auto kKernel, class Operation>
    void launch(const Grid& grid, std::int32_t threads, std::size_t shared, const Operation& op) {
        if (grid.empty() || !failure_.empty()) return;
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
        if (failure_.empty()) failure_ = doing + ": " + cudaGetErrorString(error);
        return false;
    }

    std::string name_, failure_;
    cudaStream_t stream_ = nullptr;
};

}  // namespace

std::unique_ptr<Device> open_compiled_device(int index, std::string& why) {
    int cards = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&cards); error != cudaSuccess || cards == 0) {
        cudaGetLastError();
        why = std::string("no CUDA card can be used: ") + (error != cudaSuccess ? cudaGetErrorString(error) : "there is none");
        return nullptr;
    }
    if (index < 0 || index >= cards) {
        why = "there is no CUDA card " + std::to_string(index) + ", only " + std::to_string(cards);
        return nullptr;
    }
    auto device = std::make_unique<DeviceOperations<CudaRuntime>>(index);
    if (why = device->failure(); !why.empty()) return nullptr;
    return device;
}

}  // namespace sluice::local_engine::cuda
