// Choices that trade speed or memory against exactness, shared by the engine, its kernels and the diagnostics.
#pragma once

namespace sluice::local_engine {

enum class KvType { F16, F32 };  // of the key/value cache

// What computes. Auto: a graphics card when one answers and the model fits, else the CPU.
enum class EngineBackend { Cpu, Cuda, Auto };

// What a product with quantised weights sees of its input.
enum class Activations {
    F32,  // exact products with expanded weights
    Q8,   // 8 bits per value, one scale per 32 values: several times faster, about 0.5 % error per product
};

}  // namespace sluice::local_engine
