// A request together with its judgement. Only policies::Classifier makes one, so text and judgement cannot be mixed up.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/chat.hpp"
#include "core/data_class.hpp"
#include "core/finding.hpp"

namespace sluice::policies {
class Classifier;
}

namespace sluice::core {

class Classified {
public:
    const ChatRequest& request() const { return *request_; }
    std::shared_ptr<const ChatRequest> shared_request() const { return request_; }
    DataClass data_class() const { return data_class_; }
    const std::vector<Finding>& findings() const { return findings_; }
    // What decided the class: "finding:CREDIT_CARD", "declared", "team floor", "attachment", "none".
    const std::string& reason() const { return reason_; }

private:
    friend class policies::Classifier;
    Classified(std::shared_ptr<const ChatRequest> request, DataClass data_class, std::vector<Finding> findings, std::string reason)
        : request_(std::move(request)), data_class_(data_class), findings_(std::move(findings)), reason_(std::move(reason)) {}

    std::shared_ptr<const ChatRequest> request_;
    DataClass data_class_;
    std::vector<Finding> findings_;
    std::string reason_;
};

}  // namespace sluice::core
