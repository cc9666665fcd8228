#include "local_engine/kernels/cuda/open.hpp"

#include "local_engine/kernels/cuda/device_kernels.hpp"

#include <utility>

namespace sluice::local_engine {

namespace cuda {

#if defined(SLUICE_CUDA)
// In cuda_device.cu, where nvcc need not read core/result.hpp. Null: `why` says why.
std::unique_ptr<Device> open_compiled_device(int index, std::string& why);

core::Result<std::unique_ptr<Device>> open_device(int index) {
    std::string why;
    auto device = open_compiled_device(index, why);
    if (device == nullptr) return core::Error{core::Errc::Unavailable, std::move(why), "backend"};
    return device;
}
#else
core::Result<std::unique_ptr<Device>> open_device(int) {
    return core::Error{core::Errc::Unsupported, "this build has no CUDA backend (-DSLUICE_CUDA=ON makes one)", "backend"};
}
#endif

}  // namespace cuda

core::Result<std::unique_ptr<Kernels>> make_cuda_kernels(Activations activations, int index) {
    auto device = cuda::open_device(index);
    if (!device) return device.error();
    return std::make_unique<cuda::DeviceKernels>(std::move(*device), activations);
}

}  // namespace sluice::local_engine
