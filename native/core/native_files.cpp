// Our libraries have sonames of their own and are found by DT_RPATH, so no other file takes their
// place. That does not protect symbols: a file that LD_PRELOAD or RTLD_GLOBAL put into the global
// scope comes first for every reference by name, versioned or not. Hence the second half of this
// file, which looks where each reference leads.
#include "native/core/native_files.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#if defined(__linux__)
#include <elf.h>
#include <link.h>

#include <cstring>
#include <set>
#include <vector>
#endif

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "ggml-backend.h"
#include "ggml.h"
#include "llama.h"

namespace core {
namespace {

namespace fs = std::filesystem;

#if defined(_WIN32)

std::string file_of_module(DWORD flags, LPCWSTR key) {
    HMODULE module = nullptr;
    if (!GetModuleHandleExW(flags | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, key, &module)) {
        return "";
    }
    std::wstring file(32768, L'\0');  // the longest path that Windows has
    file.resize(GetModuleFileNameW(module, file.data(), static_cast<DWORD>(file.size())));
    return fs::path(file).u8string();
}

std::string file_of(const void* address) {
    return file_of_module(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, static_cast<LPCWSTR>(address));
}

// By its name, OWN_PREFIX of native_library.bzl before it, of which a process has one DLL. The
// function's address is that of a jump in this module.
std::string file_of_library(const std::string& name, const void*) {
    return file_of_module(0, fs::u8path("llama_cpp_python-" + name + ".dll").c_str());
}

// Looks for what it needs in its own directory and Windows's, never in PATH.
void* open_library(const std::string& path) {
    DWORD before = 0;
    SetThreadErrorMode(SEM_FAILCRITICALERRORS, &before);  // no dialogue about a damaged file
    void* handle = LoadLibraryExW(fs::absolute(fs::u8path(path)).c_str(), nullptr,
                                  LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    SetThreadErrorMode(before, nullptr);
    return handle;
}

void close_library(void* handle) { FreeLibrary(static_cast<HMODULE>(handle)); }

void* symbol_of(void* handle, const char* name) {
    return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

#else

std::string file_of(const void* address) {
    Dl_info info;
    return dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

std::string file_of_library(const std::string&, const void* function) { return file_of(function); }

void* open_library(const std::string& path) { return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL); }

void close_library(void* handle) { dlclose(handle); }

void* symbol_of(void* handle, const char* name) { return dlsym(handle, name); }

#endif

const void* address_of_this_module() { return reinterpret_cast<const void*>(&require_own_files); }

fs::path own_directory() {
    return fs::u8path(file_of(address_of_this_module())).parent_path() / "lib";
}

// Also where one path leads through a symbolic link.
bool is_same(const fs::path& a, const fs::path& b) {
    std::error_code error;
    return a == b || fs::equivalent(a, b, error);
}

bool is_own(const std::string& file) {
    static const fs::path directory = own_directory();
    return is_same(fs::u8path(file).parent_path(), directory);
}

[[noreturn]] void refuse(const std::string& symbol, const std::string& file) {
    throw std::runtime_error(
        "llama_cpp cannot use its own copy of llama.cpp: " + symbol + " comes from " +
        (file.empty() ? "the program itself" : file) + " and not from " +
        own_directory().u8string() + ".\n" +
        "Import llama_cpp before the package that loads that file, or unset LD_PRELOAD (macOS: " +
        "DYLD_INSERT_LIBRARIES, DYLD_LIBRARY_PATH) if it names the file or its directory.");
}

#if defined(__linux__)

// Slots of the global offset table. Initialised data holds references too, but is written to later.
#if defined(__x86_64__)
const std::set<unsigned> kSlotTypes = {R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT};
#elif defined(__aarch64__)
const std::set<unsigned> kSlotTypes = {R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT};
#else
const std::set<unsigned> kSlotTypes = {};
#endif

// Beginning of the version node in native_library.bzl.
constexpr char kVersionNode[] = "LLAMA_CPP_PYTHON_";

// Tables of relocations, and their sizes.
constexpr std::pair<int, int> kTables[] = {{DT_RELA, DT_RELASZ}, {DT_JMPREL, DT_PLTRELSZ}};

// A loaded ELF file.
class Object {
  public:
    explicit Object(const dl_phdr_info& info)
        : file(info.dlpi_name == nullptr ? "" : info.dlpi_name), base_(info.dlpi_addr) {
        for (int i = 0; i < info.dlpi_phnum; ++i) {
            const ElfW(Phdr) & segment = info.dlpi_phdr[i];
            if (segment.p_type == PT_DYNAMIC) {
                dynamic_ = reinterpret_cast<const ElfW(Dyn)*>(base_ + segment.p_vaddr);
            } else if (segment.p_type == PT_LOAD) {
                ranges_.emplace_back(base_ + segment.p_vaddr,
                                     base_ + segment.p_vaddr + segment.p_memsz);
            }
        }
    }

    bool contains(ElfW(Addr) address) const {
        for (const auto& range : ranges_) {
            if (address >= range.first && address < range.second) {
                return true;
            }
        }
        return false;
    }

    // Calls visit(symbol, address) for every reference to a symbol that has our version.
    template <typename Visit>
    void visit_references(const Visit& visit) const {
        const auto* versions = at<ElfW(Half)>(DT_VERSYM);
        const auto* symbols = at<ElfW(Sym)>(DT_SYMTAB);
        const std::set<unsigned> ours = own_versions();
        if (versions == nullptr || ours.empty()) {
            return;
        }
        for (const auto& [table, size] : kTables) {
            const auto* entry = at<ElfW(Rela)>(table);
            const auto* end = entry + value(size) / sizeof(ElfW(Rela));
            for (; entry != nullptr && entry != end; ++entry) {
                const auto symbol = ELF64_R_SYM(entry->r_info);
                if (kSlotTypes.count(ELF64_R_TYPE(entry->r_info)) != 0 &&
                    ours.count(versions[symbol] & 0x7fff) != 0) {
                    const auto* slot = reinterpret_cast<const ElfW(Addr)*>(base_ + entry->r_offset);
                    visit(text(symbols[symbol].st_name), *slot);
                }
            }
        }
    }

    std::string file;

  private:
    ElfW(Xword) value(ElfW(Sxword) tag) const {
        for (const ElfW(Dyn)* entry = dynamic_; entry && entry->d_tag != DT_NULL; ++entry) {
            if (entry->d_tag == tag) {
                return entry->d_un.d_val;
            }
        }
        return 0;
    }

    // glibc has added the base to addresses already, musl has not.
    template <typename Entry>
    const Entry* at(ElfW(Sxword) tag) const {
        const ElfW(Addr) address = value(tag);
        if (address == 0) {
            return nullptr;
        }
        return reinterpret_cast<const Entry*>(contains(address) ? address : base_ + address);
    }

    std::string text(size_t offset) const { return at<char>(DT_STRTAB) + offset; }

    bool is_ours(size_t name) const {
        return text(name).compare(0, sizeof(kVersionNode) - 1, kVersionNode) == 0;
    }

    // Indices of our version node, among the version nodes that the file needs and defines.
    std::set<unsigned> own_versions() const {
        std::set<unsigned> indices;
        const char* need = at<char>(DT_VERNEED);
        for (ElfW(Xword) i = value(DT_VERNEEDNUM); need != nullptr && i > 0; --i) {
            const auto* file = reinterpret_cast<const ElfW(Verneed)*>(need);
            const char* next = need + file->vn_aux;
            for (int j = 0; j < file->vn_cnt; ++j) {
                const auto* version = reinterpret_cast<const ElfW(Vernaux)*>(next);
                if (is_ours(version->vna_name)) {
                    indices.insert(version->vna_other & 0x7fff);
                }
                next += version->vna_next;
            }
            need += file->vn_next;
        }
        const char* definition = at<char>(DT_VERDEF);
        for (ElfW(Xword) i = value(DT_VERDEFNUM); definition != nullptr && i > 0; --i) {
            const auto* version = reinterpret_cast<const ElfW(Verdef)*>(definition);
            const auto* name = reinterpret_cast<const ElfW(Verdaux)*>(definition + version->vd_aux);
            if (is_ours(name->vda_name)) {
                indices.insert(version->vd_ndx & 0x7fff);
            }
            definition += version->vd_next;
        }
        return indices;
    }

    ElfW(Addr) base_;
    const ElfW(Dyn) * dynamic_ = nullptr;
    std::vector<std::pair<ElfW(Addr), ElfW(Addr)>> ranges_;
};

std::vector<Object> loaded_objects() {
    std::vector<Object> objects;
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* list) {
            static_cast<std::vector<Object>*>(list)->emplace_back(*info);
            return 0;
        },
        &objects);
    return objects;
}

// References of our files to our symbols end in our files. `more` is an address in one more file.
void require_own_references(const void* more) {
    const std::vector<Object> objects = loaded_objects();
    std::vector<const Object*> own;
    for (const Object& object : objects) {
        if (object.contains(reinterpret_cast<ElfW(Addr)>(more)) || is_own(object.file)) {
            own.push_back(&object);
        }
    }
    const auto holder = [](const auto& list, ElfW(Addr) address) -> const Object* {
        for (const Object* object : list) {
            if (object->contains(address)) {
                return object;
            }
        }
        return nullptr;
    };
    std::vector<const Object*> all;
    for (const Object& object : objects) {
        all.push_back(&object);
    }
    for (const Object* object : own) {
        object->visit_references([&](const std::string& symbol, ElfW(Addr) address) {
            if (address != 0 && holder(own, address) == nullptr) {
                const Object* foreign = holder(all, address);
                refuse(symbol, foreign == nullptr ? "" : foreign->file);
            }
        });
    }
}

#else

void require_own_references(const void*) {}

#endif

template <typename Function>
const void* address(Function* function) {
    return reinterpret_cast<const void*>(function);
}

}  // namespace

std::map<std::string, std::string> native_files() {
    return {
        {"ggml", file_of_library("ggml", address(&ggml_backend_reg_count))},
        {"ggml-base", file_of_library("ggml-base", address(&ggml_version))},
        {"llama", file_of_library("llama", address(&llama_version))},
    };
}

void require_own_files() {
    for (const auto& [library, file] : native_files()) {
        if (!is_own(file)) {
            refuse("the library " + library, file);
        }
    }
    require_own_references(address_of_this_module());
}

std::shared_ptr<void> open_own_backend(const std::string& path) {
    std::shared_ptr<void> library(open_library(path), [](void* handle) {
        if (handle != nullptr) {
            close_library(handle);
        }
    });
    const void* entry = entry_of(library);
    if (entry == nullptr) {
        return nullptr;
    }
    if (!is_same(fs::u8path(file_of(entry)), fs::u8path(path))) {
        refuse("the backend " + path, file_of(entry));
    }
    require_own_references(entry);
    return library;
}

void* entry_of(const std::shared_ptr<void>& backend) {
    return backend == nullptr ? nullptr : symbol_of(backend.get(), "ggml_backend_init");
}

}  // namespace core
