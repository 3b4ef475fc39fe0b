// A fuzz target: a piece of the native core that takes bytes from outside. Each has one file, which
// defines prepare() and run(); a main_*.cpp calls them.
#ifndef TESTS_FUZZ_NATIVE_TARGET_H_
#define TESTS_FUZZ_NATIVE_TARGET_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "native/core/context_handle.h"
#include "native/core/handles.h"

namespace fuzz {

// Opens the files that run() needs. Once, after start().
void prepare();

// Takes one input. Input that is refused ends in core::Error. Another exception, a signal, much
// time and much memory are faults.
void run(std::string_view input);

// ---- for main_*.cpp

// Sets up llama.cpp as the binding does, without a log.
void start();

// ---- for targets

// Returns the value of an environment variable, which must be set.
std::string environment(const char* name);

// Returns the content of a file.
std::string read_file(const std::string& path);

// Opens a model that must be sound.
std::shared_ptr<core::ModelHandle> open_model(const std::string& path);

// Returns a context of 64 positions in one thread.
std::shared_ptr<core::ContextHandle> new_context(const std::shared_ptr<core::ModelHandle>& model);

// Takes an input apart, from its front on. Where it has ended, all is empty or 0.
class Parts {
  public:
    explicit Parts(std::string_view input) : rest_(input) {}

    unsigned char byte();

    // Little-endian.
    unsigned short number();

    std::string_view bytes(size_t size);

    // Up to the next NUL, which is dropped.
    std::string text();

    // Everything that is left.
    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

}  // namespace fuzz

#endif  // TESTS_FUZZ_NATIVE_TARGET_H_
