// A judgement changed after it was made.
// must say: data_class_.*(is private within this context|is a private member)
#include "core/classified.hpp"

using namespace sluice;

void lower(core::Classified& judged) {
#ifdef MUST_FAIL
    judged.data_class_ = core::DataClass::Public;
#else
    (void)judged.data_class();
#endif
}
