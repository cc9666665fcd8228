// Between ceilings.cu, which nvcc compiles, and ceilings.cpp: plain numbers only.
#pragma once

namespace sluice::local_engine::bench {

// Null: done; else the text of the driver's error. The five numbers of Ceilings, in order.
const char* ceilings_of_card(int card, double* numbers);

}  // namespace sluice::local_engine::bench
