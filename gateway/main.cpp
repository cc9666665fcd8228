#include "gateway/cli/command.hpp"
#include "gateway/serve/serve.hpp"

#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

int main(int count, char** values) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed socket or pipe is an error code where it is written to
    const std::vector<std::string> words(values + (count > 0 ? 1 : 0), values + count);
    sluice::gateway::cli::Program program{
        .console = {std::cin, std::cout, std::cerr, isatty(STDERR_FILENO) == 1},
        .serve = sluice::gateway::serve,
    };
    const int code = sluice::gateway::cli::run(words, program);
    std::cout.flush();
    return code == 0 && !std::cout ? 1 : code;  // what was asked for could not be written
}
