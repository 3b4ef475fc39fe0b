// The operating system's part of the probe.
#ifndef NATIVE_PROBE_SYSTEM_H_
#define NATIVE_PROBE_SYSTEM_H_

#include <chrono>
#include <string>
#include <vector>

namespace probe {

// Has this process die without a core file, a dialogue or a debugger: its death is an answer.
void die_quietly();

// Returns main()'s arguments as UTF-8.
std::vector<std::string> arguments(int argc, char** argv);

// Loads a library for good, and returns the address of its symbol. Null on failure; *error says
// why.
void* load_symbol(const std::string& library, const char* name, std::string* error);

// Returns the time that this thread has had a CPU: other processes may have it in between. On
// Windows the time that has passed, since its clock of a thread ticks 64 times a second.
std::chrono::nanoseconds thread_time();

}  // namespace probe

#endif  // NATIVE_PROBE_SYSTEM_H_
