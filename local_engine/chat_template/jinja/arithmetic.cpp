#include "local_engine/chat_template/jinja/interpreter.hpp"

#include <cmath>

namespace sluice::local_engine::jinja {
namespace {

bool integral(const Value& value) {
    return value.as<std::int64_t>() != nullptr || value.as<bool>() != nullptr;
}
std::int64_t integer_of(const Value& value) {
    const auto* flag = value.as<bool>();
    return flag != nullptr ? (*flag ? 1 : 0) : *value.as<std::int64_t>();
}
double real_of(const Value& value) {
    return integral(value) ? static_cast<double>(integer_of(value)) : *value.as<double>();
}

std::int64_t integer_result(Operation operation, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    bool overflow = false;
    switch (operation) {
        case Operation::Add: overflow = __builtin_add_overflow(a, b, &result); break;
        case Operation::Subtract: overflow = __builtin_sub_overflow(a, b, &result); break;
        case Operation::Multiply: overflow = __builtin_mul_overflow(a, b, &result); break;
        case Operation::FloorDivide:
        case Operation::Modulo: {
            if (b == 0) fail("division by zero");
            if (b == -1) {  // the quotient of the smallest number would not fit
                overflow = operation == Operation::FloorDivide && __builtin_sub_overflow(0, a, &result);
                break;
            }
            const bool rounds_down = a % b != 0 && (a < 0) != (b < 0);  // towards minus infinity, as Python
            result = operation == Operation::Modulo ? a % b + (rounds_down ? b : 0) : a / b - (rounds_down ? 1 : 0);
            break;
        }
        case Operation::Power: {
            if (b > 63) overflow = a < -1 || a > 1;
            result = 1;
            if (overflow) break;
            if (b > 63) return a == -1 ? (b % 2 == 0 ? 1 : -1) : a;
            for (std::int64_t i = 0; i < b && !overflow; ++i) overflow = __builtin_mul_overflow(result, a, &result);
            break;
        }
        default: fail("not an operation of numbers");
    }
    if (overflow) fail("a number became too large");
    return result;
}

double real_result(Operation operation, double a, double b) {
    switch (operation) {
        case Operation::Add: return a + b;
        case Operation::Subtract: return a - b;
        case Operation::Multiply: return a * b;
        case Operation::Power: return std::pow(a, b);
        default: break;
    }
    if (b == 0) fail("division by zero");
    if (operation == Operation::Divide) return a / b;
    const double quotient = std::floor(a / b);
    return operation == Operation::FloorDivide ? quotient : a - quotient * b;
}

}  // namespace

Value arithmetic(Operation operation, const Value& left, const Value& right, Budget& budget) {
    const auto numeric = [](const Value& value) { return integral(value) || value.as<double>() != nullptr; };
    if (numeric(left) && numeric(right)) {
        const bool whole = integral(left) && integral(right) && operation != Operation::Divide &&
                           !(operation == Operation::Power && integer_of(right) < 0);
        if (whole) return Value(integer_result(operation, integer_of(left), integer_of(right)));
        return Value(real_result(operation, real_of(left), real_of(right)));
    }
    if (operation == Operation::Add && left.list() != nullptr && right.list() != nullptr) {
        budget.pay(left.list()->size() + right.list()->size());
        List both = *left.list();
        both.insert(both.end(), right.list()->begin(), right.list()->end());
        return Value::list(std::move(both));
    }
    if (operation == Operation::Multiply && left.text() != nullptr && integral(right)) {
        Text out;
        for (std::int64_t i = 0; i < integer_of(right); ++i) {
            budget.pay_bytes(left.text()->weight());
            out.append(*left.text());
        }
        return Value(std::move(out));
    }
    const Value& odd = numeric(left) || left.text() != nullptr || left.list() != nullptr ? right : left;
    if (odd.undefined()) fail("\"" + std::string(odd.as<Undefined>()->name) + "\" is not defined");
    fail("a " + std::string(left.type_name()) + " and a " + std::string(right.type_name()) + " cannot be combined");
}

}  // namespace sluice::local_engine::jinja
