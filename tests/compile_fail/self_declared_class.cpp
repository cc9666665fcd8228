// A judgement that no classifier made.
// must say: (Classified::Classified.*is private within|private constructor of class .*Classified)
#include "core/classified.hpp"

using namespace sluice;

core::DataClass judge(std::shared_ptr<const core::ChatRequest> request) {
#ifdef MUST_FAIL
    return core::Classified{std::move(request), core::DataClass::Public, {}, "trust me"}.data_class();
#else
    return request ? core::DataClass::Restricted : core::DataClass::Public;
#endif
}
