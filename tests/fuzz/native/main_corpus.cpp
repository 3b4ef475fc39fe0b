// Runs a target over the files in the arguments, and prints a line for each: "accepted PATH", or
// "refused PATH: reason".
#include <cstdio>
#include <string>

#include "native/core/errors.h"
#include "tests/fuzz/native/target.h"

int main(int argc, char** argv) {
    fuzz::start();
    fuzz::prepare();
    for (int i = 1; i < argc; ++i) {
        const std::string input = fuzz::read_file(argv[i]);
        // So that a signal tells which file it was.
        std::fprintf(stderr, "%s\n", argv[i]);
        try {
            fuzz::run(input);
            std::printf("accepted %s\n", argv[i]);
        } catch (const core::Error& error) {
            std::printf("refused %s: %s\n", argv[i], error.what());
        }
    }
    return 0;
}
