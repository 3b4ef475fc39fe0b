// Runs before each of upstream's tests: finds the CPU backend that the test is to use, ends a test
// whose variant this processor cannot run, and enters the directory that the test reads from.
//
//   GGML_BACKEND_PATH  a CPU backend, relative to the runfiles; ggml itself opens it later.
//   LLAMA_CPP_SOURCES  the directory to enter, relative to the runfiles.
//
// C only: the variant's objects may be in this program, and share inline functions with it.
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Of the variant that is linked into the program, if one is.
extern "C" __attribute__((weak)) int ggml_backend_score(void);

namespace {

using ScoreFunction = int (*)(void);

[[noreturn]] void fail(const char* message, const char* subject) {
    fprintf(stderr, "prologue.cpp: %s: %s\n", subject, message);
    _exit(1);
}

// Bazel counts it as a skipped test case: --test_summary=testcase shows the sum.
void write_skipped_report(const char* target) {
    const char* path = getenv("XML_OUTPUT_FILE");
    FILE* report = path != nullptr ? fopen(path, "w") : nullptr;
    if (report == nullptr) {
        return;
    }
    fprintf(report,
            "<testsuites><testsuite name=\"%s\" tests=\"1\" skipped=\"1\">"
            "<testcase name=\"%s\"><skipped/></testcase></testsuite></testsuites>\n",
            target, target);
    fclose(report);
}

[[noreturn]] void skip() {
    const char* target = getenv("TEST_TARGET");
    target = target != nullptr ? target : "test";
    printf("SKIPPED %s: this processor lacks instructions of the variant\n", target);
    fflush(stdout);
    write_skipped_report(target);
    _exit(0);
}

ScoreFunction score_of_backend() {
    const char* relative = getenv("GGML_BACKEND_PATH");
    if (relative == nullptr) {
        return ggml_backend_score;
    }
    char path[PATH_MAX];
    if (realpath(relative, path) == nullptr) {
        fail("no such backend", relative);
    }
    setenv("GGML_BACKEND_PATH", path, 1);
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        fail(dlerror(), path);
    }
    return reinterpret_cast<ScoreFunction>(dlsym(library, "ggml_backend_score"));
}

__attribute__((constructor(101))) void prologue() {
    const ScoreFunction score = score_of_backend();
    if (score != nullptr && score() == 0) {
        skip();
    }
    const char* directory = getenv("LLAMA_CPP_SOURCES");
    if (directory != nullptr && chdir(directory) != 0) {
        fail("cannot be entered", directory);
    }
}

}  // namespace
