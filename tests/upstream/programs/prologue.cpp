// Runs before main() of each of upstream's tests: chooses the CPU backend, ends a test whose
// variant this processor cannot run, and enters an empty directory with links to the files that the
// test reads. Without the variables, which programs.bzl sets, it does nothing.
//
//   CPU_BACKENDS  libraries, separated by spaces: the best for this processor becomes
//                 GGML_BACKEND_PATH, which ggml opens.
//   TEST_FILES    NAME=FILE pairs, separated by spaces: links to make.
//
// Names of files are relative to the runfiles. C only: the kernels of a variant may be in this
// program, and would share the C++ library's inline functions with it.
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Of the variant that is linked into the program, if one is.
extern "C" __attribute__((weak)) int ggml_backend_score(void);

namespace {

using ScoreFunction = int (*)(void);

[[noreturn]] void fail(const char* subject, const char* message) {
    fprintf(stderr, "prologue.cpp: %s: %s\n", subject, message);
    _exit(1);
}

// Counted by `./bazelw run //tests/upstream/programs:report`.
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

// The variable's value, which is then removed: a child process is in another directory.
char* take(const char* variable) {
    const char* value = getenv(variable);
    if (value == nullptr) {
        return nullptr;
    }
    char* copy = strdup(value);
    unsetenv(variable);
    return copy;
}

void make_absolute(const char* relative, char* path) {
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof(directory)) == nullptr ||
        snprintf(path, PATH_MAX, "%s/%s", directory, relative) >= PATH_MAX) {
        fail(relative, "its path is too long");
    }
}

int score_of(const char* library) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        fail(library, dlerror());
    }
    const auto score = reinterpret_cast<ScoreFunction>(dlsym(handle, "ggml_backend_score"));
    const int result = score != nullptr ? score() : 0;
    dlclose(handle);
    return result;
}

void choose_backend(char* libraries) {
    int best = 0;
    for (char* rest = libraries; const char* relative = strtok_r(rest, " ", &rest);) {
        char path[PATH_MAX];
        make_absolute(relative, path);
        const int score = score_of(path);
        if (score > best) {
            best = score;
            setenv("GGML_BACKEND_PATH", path, 1);
        }
    }
    if (best == 0) {
        skip();
    }
}

void make_links(const char* directory, char* pairs) {
    for (char* rest = pairs; char* name = strtok_r(rest, " ", &rest);) {
        char* relative = strchr(name, '=');
        if (relative == nullptr) {
            fail(name, "not NAME=FILE");
        }
        *relative++ = '\0';
        char target[PATH_MAX];
        make_absolute(relative, target);
        char link[PATH_MAX];
        snprintf(link, sizeof(link), "%s/%s", directory, name);
        if (symlink(target, link) != 0) {
            fail(link, "cannot be made");
        }
    }
}

void enter_directory(char* files) {
    const char* parent = getenv("TEST_TMPDIR");
    if (parent == nullptr) {
        fail("TEST_TMPDIR", "is not set");
    }
    char directory[PATH_MAX];
    snprintf(directory, sizeof(directory), "%s/test-XXXXXX", parent);
    if (mkdtemp(directory) == nullptr) {
        fail(directory, "cannot be made");
    }
    make_links(directory, files);
    if (chdir(directory) != 0) {
        fail(directory, "cannot be entered");
    }
}

__attribute__((constructor(101))) void prologue() {
    if (ggml_backend_score != nullptr && ggml_backend_score() == 0) {
        skip();
    }
    if (char* libraries = take("CPU_BACKENDS")) {
        choose_backend(libraries);
        free(libraries);
    }
    if (char* files = take("TEST_FILES")) {
        enter_directory(files);
        free(files);
    }
}

}  // namespace
