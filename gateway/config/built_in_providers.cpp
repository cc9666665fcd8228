// Services with an OpenAI-compatible endpoint that one environment variable enables.
#include "gateway/config/read_sections.hpp"

#include <array>

namespace sluice::gateway {
namespace {

struct BuiltIn {
    const char* name;  // the provider's name in the built-in catalogue
    const char* variable;
    const char* base_url;
};

constexpr std::array kBuiltIn{
    BuiltIn{"deepseek", "DEEPSEEK_API_KEY", "https://api.deepseek.com"},
    BuiltIn{"openai", "OPENAI_API_KEY", "https://api.openai.com/v1"},
    BuiltIn{"mistral", "MISTRAL_API_KEY", "https://api.mistral.ai/v1"},
    BuiltIn{"anthropic", "ANTHROPIC_API_KEY", "https://api.anthropic.com/v1"},
    BuiltIn{"google", "GEMINI_API_KEY", "https://generativelanguage.googleapis.com/v1beta/openai"},
    BuiltIn{"alibaba", "DASHSCOPE_API_KEY", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"},
};

}  // namespace

std::vector<ProviderSettings> built_in_providers(const Environment& environment) {
    std::vector<ProviderSettings> providers;
    for (const BuiltIn& service : kBuiltIn) {
        auto key = environment(service.variable);
        if (!key || key->empty()) continue;
        ProviderSettings& provider = providers.emplace_back();
        provider.name = service.name;
        provider.base_url = service.base_url;
        provider.api_key = core::Secret(std::move(*key));
    }
    return providers;
}

}  // namespace sluice::gateway
