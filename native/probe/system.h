// The operating system's part of the probe.
#ifndef NATIVE_PROBE_SYSTEM_H_
#define NATIVE_PROBE_SYSTEM_H_

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

}  // namespace probe

#endif  // NATIVE_PROBE_SYSTEM_H_
