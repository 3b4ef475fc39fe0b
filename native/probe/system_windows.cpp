// Windows, whose own functions take paths as UTF-16: those for char use the active code page.
#include <windows.h>
// After windows.h, which it needs.
#include <shellapi.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "native/probe/system.h"

namespace probe {
namespace {

std::string utf8(const wchar_t* text) {
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string result(size > 0 ? size : 1, '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, -1, result.data(), size, nullptr, nullptr);
    result.pop_back();  // the terminator
    return result;
}

}  // namespace

void die_quietly() {
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    _set_abort_behavior(0, _WRITE_ABORT_MSG | _CALL_REPORTFAULT);
}

std::vector<std::string> arguments(int, char**) {
    int count = 0;
    const std::unique_ptr<wchar_t*, decltype(&LocalFree)> words(
        CommandLineToArgvW(GetCommandLineW(), &count), &LocalFree);
    std::vector<std::string> result;
    for (int i = 0; i < count; ++i) {
        result.push_back(utf8(words.get()[i]));
    }
    return result;
}

void* load_symbol(const std::string& library, const char* name, std::string* error) {
    const HMODULE module = LoadLibraryW(std::filesystem::u8path(library).c_str());
    const FARPROC symbol = module == nullptr ? nullptr : GetProcAddress(module, name);
    if (symbol == nullptr) {
        *error = library + ": Windows error " + std::to_string(GetLastError());
    }
    return reinterpret_cast<void*>(symbol);
}

std::chrono::nanoseconds thread_time() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace probe
