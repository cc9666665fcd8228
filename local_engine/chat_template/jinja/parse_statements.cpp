// Tags, and the blocks between them.
#include "local_engine/chat_template/jinja/parser.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine::jinja {

std::unique_ptr<Statement> Parser::statement(Statement::Kind kind) {
    count_node();
    auto made = std::make_unique<Statement>();
    made->kind = kind;
    made->line = peek().line;
    return made;
}

bool Parser::at_tag(std::initializer_list<std::string_view> words) const {
    return peek().kind == Tokens::BlockBegin &&
           std::any_of(words.begin(), words.end(), [&](std::string_view word) { return is_name(word, 1); });
}

void Parser::end_tag() {
    expect(Tokens::BlockEnd, "the end of the tag");
}

// Up to one of the tags in `ends`, which stays; to the end of the template when there are none.
Block Parser::block(std::initializer_list<std::string_view> ends) {
    const Nested level(*this);
    Block body;
    while (peek().kind != Tokens::End) {
        if (ends.size() > 0 && at_tag(ends)) return body;
        one(body);
    }
    if (ends.size() > 0) wrong("a block does not end: expected \"" + std::string(*(ends.end() - 1)) + "\"");
    return body;
}

void Parser::close(std::string_view word) {
    next();  // {%
    if (!take_name(word)) wrong("expected \"" + std::string(word) + "\"");
    if (peek().kind == Tokens::Name) next();  // "endmacro name"
    end_tag();
}

void Parser::one(Block& body) {
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

void Parser::tag(Block& body) {
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

std::unique_ptr<Statement> Parser::condition() {
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

std::vector<Symbol> Parser::targets() {
    std::vector<Symbol> names;
    const bool bracket = take_operator("(");
    do names.push_back(symbol(expect_name()));
    while (take_operator(","));
    if (bracket) expect_operator(")");
    return names;
}

std::unique_ptr<Statement> Parser::loop() {
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

std::unique_ptr<Statement> Parser::jump(bool leaves) {
    if (loops_ == 0) wrong("break or continue outside of a loop");
    end_tag();
    return statement(leaves ? Statement::Kind::Break : Statement::Kind::Continue);
}

std::unique_ptr<Statement> Parser::assignment() {
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
void Parser::filter_chain(Statement& owner) {
    static const std::string kText = "(text)";
    owner.symbol = symbol(kText);
    if (!is_operator("|")) return;
    auto value = name_node(kText);
    while (take_operator("|")) value = filter(std::move(value));
    owner.expressions.push_back(std::move(value));
}

std::unique_ptr<Statement> Parser::filter_block() {
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

std::unique_ptr<Statement> Parser::macro() {
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

std::unique_ptr<Statement> Parser::with() {
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
void Parser::generation(Block& body) {
    end_tag();
    Block inner = block({"endgeneration"});
    close("endgeneration");
    for (auto& part : inner) body.push_back(std::move(part));
}

}  // namespace sluice::local_engine::jinja
