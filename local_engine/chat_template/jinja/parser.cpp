// Recursive descent over the tokens, with Jinja's precedence. Depth is limited, so hostile templates cannot exhaust the
// stack here, nor later when the tree is run or freed.
#include "local_engine/chat_template/jinja/ast.hpp"
#include "local_engine/chat_template/jinja/filters.hpp"
#include "local_engine/chat_template/jinja/lexer.hpp"
#include "local_engine/chat_template/jinja/predicates.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <unordered_map>

namespace sluice::local_engine::jinja {
namespace {

constexpr int kMaxExpression = 100;
constexpr int kMaxNesting = 100;  // blocks in blocks, brackets in brackets
constexpr std::size_t kMaxNodes = 100'000;

using Kind = Expression::Kind;
using Tokens = Token::Kind;

class Parser {
public:
    explicit Parser(std::string_view source) : tokens_(tokens_of(source)) {}

    Program run() {
        program_.body = block({});
        return std::move(program_);
    }

private:
    // --- tokens ---
    const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
    const Token& next() {
        const Token& token = peek();
        if (at_ + 1 < tokens_.size()) ++at_;
        return token;
    }
    bool is_name(std::string_view word, std::size_t ahead = 0) const {
        return peek(ahead).kind == Tokens::Name && peek(ahead).text == word;
    }
    bool is_operator(std::string_view word, std::size_t ahead = 0) const {
        return peek(ahead).kind == Tokens::Operator && peek(ahead).text == word;
    }
    bool take_name(std::string_view word) {
        const bool there = is_name(word);
        if (there) next();
        return there;
    }
    bool take_operator(std::string_view word) {
        const bool there = is_operator(word);
        if (there) next();
        return there;
    }
    [[noreturn]] void wrong(const std::string& detail) const {
        throw Failure(Failure::Kind::Syntax, detail, peek().line);
    }
    void expect_operator(std::string_view word) {
        if (!take_operator(word)) wrong("expected \"" + std::string(word) + "\"");
    }
    std::string expect_name() {
        if (peek().kind != Tokens::Name) wrong("expected a name");
        return next().text;
    }
    void expect(Tokens kind, const char* what) {
        if (peek().kind != kind) wrong("expected " + std::string(what));
        next();
    }
    Symbol symbol(const std::string& name) {
        const auto [place, fresh] = numbers_.try_emplace(name, static_cast<Symbol>(program_.symbols.size()));
        if (fresh) program_.symbols.push_back(name);
        return place->second;
    }

    struct Nested {  // one more level of blocks or brackets, while it lives
        explicit Nested(Parser& owner) : parser(owner) {
            if (++parser.nesting_ > kMaxNesting) {
                throw Failure(Failure::Kind::Limit, "the template is nested too deeply", parser.peek().line);
            }
        }
        ~Nested() { --parser.nesting_; }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;
        Parser& parser;
    };

    // --- expressions ---
    void count_node() {
        if (++nodes_ > kMaxNodes) throw Failure(Failure::Kind::Limit, "the template is too large", peek().line);
    }
    ExpressionPtr make(Kind kind) {
        count_node();
        auto made = std::make_unique<Expression>();
        made->kind = kind;
        made->line = peek().line;
        return made;
    }
    void adopt(Expression& parent, ExpressionPtr part) {
        if (part) parent.depth = std::max(parent.depth, part->depth + 1);
        if (parent.depth > kMaxExpression) {
            throw Failure(Failure::Kind::Limit, "an expression is nested too deeply", peek().line);
        }
        parent.parts.push_back(std::move(part));
    }
    ExpressionPtr join(Kind kind, std::initializer_list<ExpressionPtr*> parts) {
        auto made = make(kind);
        for (ExpressionPtr* part : parts) adopt(*made, std::move(*part));
        return made;
    }
    ExpressionPtr binary(Operation operation, ExpressionPtr left, ExpressionPtr right) {
        auto made = join(Kind::Binary, {&left, &right});
        made->operation = operation;
        return made;
    }

    ExpressionPtr expression() {
        const Nested level(*this);
        auto value = disjunction();
        while (take_name("if")) {
            auto condition = disjunction();
            ExpressionPtr otherwise;
            if (take_name("else")) otherwise = expression();
            value = join(Kind::Conditional, {&value, &condition, &otherwise});
        }
        return value;
    }

    // "a, b" is a list too.
    ExpressionPtr expression_list() {
        auto first = expression();
        if (!is_operator(",")) return first;
        auto list = join(Kind::ListOf, {&first});
        while (take_operator(",")) {
            if (peek().kind == Tokens::BlockEnd || peek().kind == Tokens::OutputEnd || is_operator(")")) break;
            adopt(*list, expression());
        }
        return list;
    }

    ExpressionPtr disjunction() {
        auto left = conjunction();
        while (take_name("or")) {
            auto right = conjunction();
            left = join(Kind::Or, {&left, &right});
        }
        return left;
    }
    ExpressionPtr conjunction() {
        auto left = negation();
        while (take_name("and")) {
            auto right = negation();
            left = join(Kind::And, {&left, &right});
        }
        return left;
    }
    ExpressionPtr negation() {
        if (!take_name("not")) return comparison();
        const Nested level(*this);
        auto operand = negation();
        return join(Kind::Not, {&operand});
    }

    std::optional<Operation> comparison_operator() {
        if (take_operator("==")) return Operation::Equal;
        if (take_operator("!=")) return Operation::NotEqual;
        if (take_operator("<=")) return Operation::LessEqual;
        if (take_operator(">=")) return Operation::GreaterEqual;
        if (take_operator("<")) return Operation::Less;
        if (take_operator(">")) return Operation::Greater;
        if (take_name("in")) return Operation::In;
        if (is_name("not") && is_name("in", 1)) {
            next();
            next();
            return Operation::NotIn;
        }
        return std::nullopt;
    }
    ExpressionPtr comparison() {
        auto left = sum();
        const auto operation = comparison_operator();
        if (!operation) return left;
        left = binary(*operation, std::move(left), sum());
        if (comparison_operator()) wrong("chained comparisons are not supported");
        return left;
    }
    ExpressionPtr sum() {
        auto left = concatenation();
        for (;;) {
            if (take_operator("+")) left = binary(Operation::Add, std::move(left), concatenation());
            else if (take_operator("-")) left = binary(Operation::Subtract, std::move(left), concatenation());
            else return left;
        }
    }
    ExpressionPtr concatenation() {
        auto left = product();
        while (take_operator("~")) left = binary(Operation::Concat, std::move(left), product());
        return left;
    }
    ExpressionPtr product() {
        auto left = power();
        for (;;) {
            if (take_operator("*")) left = binary(Operation::Multiply, std::move(left), power());
            else if (take_operator("/")) left = binary(Operation::Divide, std::move(left), power());
            else if (take_operator("//")) left = binary(Operation::FloorDivide, std::move(left), power());
            else if (take_operator("%")) left = binary(Operation::Modulo, std::move(left), power());
            else return left;
        }
    }
    ExpressionPtr power() {
        auto left = unary(true);
        while (take_operator("**")) left = binary(Operation::Power, std::move(left), unary(true));
        return left;
    }
    ExpressionPtr unary(bool with_filters) {
        const Nested level(*this);
        ExpressionPtr value;
        if (take_operator("-")) {
            auto operand = unary(false);
            value = join(Kind::Negate, {&operand});
        } else if (take_operator("+")) {
            value = unary(false);
        } else {
            value = primary();
        }
        value = postfix(std::move(value));
        return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
    }

    ExpressionPtr constant(Value value) {
        auto made = make(Kind::Constant);
        made->value = std::move(value);
        return made;
    }
    ExpressionPtr name_node(const std::string& name) {
        auto made = make(Kind::Name);
        made->name = name;
        made->symbol = symbol(name);
        return made;
    }

    ExpressionPtr primary() {
        const Token& token = peek();
        switch (token.kind) {
            case Tokens::Name: return word(next().text);
            case Tokens::String: {
                std::string text = next().text;
                while (peek().kind == Tokens::String) text += next().text;
                return constant(Value(Text(std::move(text))));
            }
            case Tokens::Integer: return integer(next().text);
            case Tokens::Float: return real(next().text);
            case Tokens::Operator: return bracketed();
            default: wrong("expected an expression");
        }
    }
    ExpressionPtr word(const std::string& name) {
        if (name == "true" || name == "True") return constant(Value(true));
        if (name == "false" || name == "False") return constant(Value(false));
        if (name == "none" || name == "None" || name == "null") return constant(Value::none());
        return name_node(name);
    }
    ExpressionPtr integer(const std::string& digits) {
        std::int64_t number = 0;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) {
            wrong("a number is too large");
        }
        return constant(Value(number));
    }
    ExpressionPtr real(const std::string& digits) {
        double number = 0.0;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) {
            wrong("a number is too large or too small");
        }
        return constant(Value(number));
    }
    ExpressionPtr bracketed() {
        if (take_operator("(")) {
            if (take_operator(")")) return make(Kind::ListOf);
            auto value = expression_list();
            expect_operator(")");
            return value;
        }
        if (take_operator("[")) {
            auto list = make(Kind::ListOf);
            while (!is_operator("]")) {
                adopt(*list, expression());
                if (!take_operator(",")) break;
            }
            expect_operator("]");
            return list;
        }
        expect_operator("{");
        auto dict = make(Kind::DictOf);
        while (!is_operator("}")) {
            adopt(*dict, expression());
            expect_operator(":");
            adopt(*dict, expression());
            if (!take_operator(",")) break;
        }
        expect_operator("}");
        return dict;
    }

    ExpressionPtr postfix(ExpressionPtr value) {
        for (;;) {
            if (take_operator(".")) {
                if (peek().kind == Tokens::Integer) {
                    auto index = integer(next().text);
                    value = join(Kind::Item, {&value, &index});
                    continue;
                }
                auto attribute = join(Kind::Attribute, {&value});
                attribute->name = expect_name();
                value = std::move(attribute);
            } else if (take_operator("[")) {
                value = subscript(std::move(value));
            } else if (is_operator("(")) {
                auto call = join(Kind::Call, {&value});
                arguments(*call);
                value = std::move(call);
            } else {
                return value;
            }
        }
    }
    ExpressionPtr subscript(ExpressionPtr value) {
        ExpressionPtr first, last, step;
        if (!is_operator(":")) first = expression_list();
        if (take_operator("]")) return join(Kind::Item, {&value, &first});
        expect_operator(":");
        if (!is_operator(":") && !is_operator("]")) last = expression();
        if (take_operator(":") && !is_operator("]")) step = expression();
        expect_operator("]");
        return join(Kind::Slice, {&value, &first, &last, &step});
    }
    void arguments(Expression& call) {
        expect_operator("(");
        while (!is_operator(")")) {
            if (peek().kind == Tokens::Name && is_operator("=", 1)) {
                std::string name = next().text;
                next();
                auto value = expression();
                call.depth = std::max(call.depth, value->depth + 1);
                call.named.emplace_back(std::move(name), std::move(value));
            } else {
                if (is_operator("*") || is_operator("**")) wrong("unpacked arguments are not supported");
                adopt(call, expression());
            }
            if (!take_operator(",")) break;
        }
        expect_operator(")");
    }

    ExpressionPtr filters_and_tests(ExpressionPtr value) {
        for (;;) {
            if (take_operator("|")) value = filter(std::move(value));
            else if (take_name("is")) value = test(std::move(value));
            else if (is_operator("(")) value = postfix(std::move(value));
            else return value;
        }
    }
    ExpressionPtr filter(ExpressionPtr value) {
        auto made = join(Kind::Filter, {&value});
        made->name = expect_name();
        if (!is_filter(made->name)) wrong("no filter is called \"" + made->name + "\"");
        if (is_operator("(")) arguments(*made);
        return made;
    }
    ExpressionPtr test(ExpressionPtr value) {
        const bool negated = take_name("not");
        auto made = join(Kind::Test, {&value});
        made->name = expect_name();
        if (!is_predicate(made->name)) wrong("no test is called \"" + made->name + "\"");
        const Token& token = peek();
        const bool operand = token.kind == Tokens::String || token.kind == Tokens::Integer ||
                             token.kind == Tokens::Float || is_operator("[") || is_operator("{") ||
                             (token.kind == Tokens::Name && !is_name("else") && !is_name("or") && !is_name("and") &&
                              !is_name("is") && !is_name("if") && !is_name("in") && !is_name("not"));
        if (is_operator("(")) {
            arguments(*made);
        } else if (operand) {
            adopt(*made, postfix(primary()));
        }
        return negated ? join(Kind::Not, {&made}) : std::move(made);
    }

    // --- statements ---
    std::unique_ptr<Statement> statement(Statement::Kind kind) {
        count_node();
        auto made = std::make_unique<Statement>();
        made->kind = kind;
        made->line = peek().line;
        return made;
    }
    bool at_tag(std::initializer_list<std::string_view> words) const {
        return peek().kind == Tokens::BlockBegin &&
               std::any_of(words.begin(), words.end(), [&](std::string_view word) { return is_name(word, 1); });
    }
    void end_tag() { expect(Tokens::BlockEnd, "the end of the tag"); }

    // Up to one of the tags in `ends`, which stays; to the end of the template when there are none.
    Block block(std::initializer_list<std::string_view> ends) {
        const Nested level(*this);
        Block body;
        while (peek().kind != Tokens::End) {
            if (ends.size() > 0 && at_tag(ends)) return body;
            one(body);
        }
        if (ends.size() > 0) wrong("a block does not end: expected \"" + std::string(*(ends.end() - 1)) + "\"");
        return body;
    }
    void close(std::string_view word) {
        next();  // {%
        if (!take_name(word)) wrong("expected \"" + std::string(word) + "\"");
        if (peek().kind == Tokens::Name) next();  // "endmacro name"
        end_tag();
    }

    void one(Block& body) {
        if (peek().kind == Tokens::Data) {
            auto data = statement(Statement::Kind::Data);
            data->value = Value(Text(next().text));
            body.push_back(std::move(data));
        } else if (peek().kind == Tokens::OutputBegin) {
            next();
            auto output = statement(Statement::Kind::Output);
            output->expressions.push_back(expression_list());
            expect(Tokens::OutputEnd, "}}");
            body.push_back(std::move(output));
        } else {
            expect(Tokens::BlockBegin, "a tag");
            tag(body);
        }
    }

    void tag(Block& body) {
        const std::string word = expect_name();
        if (word == "if") body.push_back(condition());
        else if (word == "for") body.push_back(loop());
        else if (word == "set") body.push_back(assignment());
        else if (word == "macro") body.push_back(macro());
        else if (word == "with") body.push_back(with());
        else if (word == "filter") body.push_back(filter_block());
        else if (word == "generation") generation(body);
        else if (word == "break" || word == "continue") body.push_back(jump(word == "break"));
        else wrong("the statement \"" + word + "\" is not supported");
    }

    std::unique_ptr<Statement> condition() {
        auto made = statement(Statement::Kind::If);
        made->expressions.push_back(expression_list());
        end_tag();
        for (;;) {
            made->blocks.push_back(block({"elif", "else", "endif"}));
            next();  // {%
            const std::string word = expect_name();
            if (word == "elif") {
                made->expressions.push_back(expression_list());
                end_tag();
                continue;
            }
            end_tag();
            if (word == "endif") return made;
            made->blocks.push_back(block({"endif"}));
            close("endif");
            return made;
        }
    }

    std::vector<Symbol> targets() {
        std::vector<Symbol> names;
        const bool bracket = take_operator("(");
        do names.push_back(symbol(expect_name()));
        while (take_operator(","));
        if (bracket) expect_operator(")");
        return names;
    }

    std::unique_ptr<Statement> loop() {
        auto made = statement(Statement::Kind::For);
        made->targets = targets();
        if (!take_name("in")) wrong("expected \"in\"");
        // Without a conditional expression at the top: its "if" is the loop's own.
        auto what = disjunction();
        if (is_operator(",")) {
            what = join(Kind::ListOf, {&what});
            while (take_operator(",")) adopt(*what, disjunction());
        }
        made->expressions.push_back(std::move(what));
        made->expressions.push_back(take_name("if") ? expression() : nullptr);
        if (is_name("recursive")) wrong("recursive loops are not supported");
        end_tag();
        ++loops_;
        made->blocks.push_back(block({"else", "endfor"}));
        --loops_;
        made->blocks.emplace_back();
        if (is_name("else", 1)) {
            next();
            next();
            end_tag();
            made->blocks[1] = block({"endfor"});
        }
        close("endfor");
        return made;
    }

    std::unique_ptr<Statement> jump(bool leaves) {
        if (loops_ == 0) wrong("break or continue outside of a loop");
        end_tag();
        return statement(leaves ? Statement::Kind::Break : Statement::Kind::Continue);
    }

    std::unique_ptr<Statement> assignment() {
        auto made = statement(Statement::Kind::Set);
        if (peek().kind == Tokens::Name && is_operator(".", 1)) {
            made->symbol = symbol(next().text);
            next();
            made->name = expect_name();
        } else {
            made->targets = targets();
        }
        if (take_operator("=")) {
            made->expressions.push_back(expression_list());
            end_tag();
            return made;
        }
        if (made->targets.size() != 1) wrong("expected \"=\"");
        made->kind = Statement::Kind::SetBlock;
        filter_chain(*made);
        end_tag();
        made->blocks.push_back(block({"endset"}));
        close("endset");
        return made;
    }

    // Filters for the text of a block, applied to a name that no template can spell.
    void filter_chain(Statement& owner) {
        static const std::string kText = "(text)";
        owner.symbol = symbol(kText);
        if (!is_operator("|")) return;
        auto value = name_node(kText);
        while (take_operator("|")) value = filter(std::move(value));
        owner.expressions.push_back(std::move(value));
    }

    std::unique_ptr<Statement> filter_block() {
        auto made = statement(Statement::Kind::Filter);
        static const std::string kText = "(text)";
        made->symbol = symbol(kText);
        auto value = filter(name_node(kText));
        while (take_operator("|")) value = filter(std::move(value));
        made->expressions.push_back(std::move(value));
        end_tag();
        made->blocks.push_back(block({"endfilter"}));
        close("endfilter");
        return made;
    }

    std::unique_ptr<Statement> macro() {
        auto made = statement(Statement::Kind::Macro);
        made->name = expect_name();
        made->symbol = symbol(made->name);
        expect_operator("(");
        while (!is_operator(")")) {
            Parameter parameter{-1, expect_name(), nullptr};
            parameter.symbol = symbol(parameter.name);
            if (take_operator("=")) parameter.default_value = expression();
            made->parameters.push_back(std::move(parameter));
            if (!take_operator(",")) break;
        }
        expect_operator(")");
        end_tag();
        const int outside = std::exchange(loops_, 0);
        made->blocks.push_back(block({"endmacro"}));
        loops_ = outside;
        close("endmacro");
        return made;
    }

    std::unique_ptr<Statement> with() {
        auto made = statement(Statement::Kind::With);
        while (peek().kind == Tokens::Name) {
            made->targets.push_back(symbol(next().text));
            expect_operator("=");
            made->expressions.push_back(expression());
            if (!take_operator(",")) break;
        }
        end_tag();
        made->blocks.push_back(block({"endwith"}));
        close("endwith");
        return made;
    }

    // Marks what the model wrote, for training: its text is text.
    void generation(Block& body) {
        end_tag();
        Block inner = block({"endgeneration"});
        close("endgeneration");
        for (auto& part : inner) body.push_back(std::move(part));
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int nesting_ = 0;
    int loops_ = 0;
    std::size_t nodes_ = 0;
    std::unordered_map<std::string, Symbol> numbers_;
    Program program_;
};

}  // namespace

std::optional<Symbol> Program::find(std::string_view name) const {
    const auto found = std::find(symbols.begin(), symbols.end(), name);
    if (found == symbols.end()) return std::nullopt;
    return static_cast<Symbol>(found - symbols.begin());
}

Program parse(std::string_view source) {
    return Parser(source).run();
}

}  // namespace sluice::local_engine::jinja
