// For tests that run over the random models of all architectures: makes them first, as upstream's
// CTest does. They are a gigabyte, so they are not an output of the build.
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

extern char** environ;

namespace {

int run(std::string program) {
    std::string arguments[] = {program, "--seed", "1", "--out", "architectures"};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                    arguments[3].data(), arguments[4].data(), nullptr};
    pid_t child;
    if (posix_spawn(&child, program.c_str(), nullptr, nullptr, argv, environ) != 0) {
        return -1;
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

// After prologue.cpp, which links the program into this directory.
__attribute__((constructor)) void make_models() {
    if (mkdir("architectures", 0777) != 0 || run("./test-llama-archs") != 0) {
        std::fprintf(stderr, "architectures.cpp: test-llama-archs made no models\n");
        std::exit(1);
    }
}

}  // namespace
