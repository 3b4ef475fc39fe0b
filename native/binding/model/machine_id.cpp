// A short text that names the features of this machine's processor, a key for choices that are
// remembered per machine.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/init.h"
#include "native/core/errors.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace py = pybind11;

namespace core {
namespace {

#if defined(__x86_64__) || defined(__i386__)

constexpr unsigned kOsxsave = 1u << 27;  // leaf 1 ECX: XGETBV may be used

uint64_t read_xcr0() {
    uint32_t low;
    uint32_t high;
    // The instruction by its bytes: as a mnemonic it needs -mxsave.
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<uint64_t>(high) << 32) | low;
}

std::string vendor() {
    unsigned highest, b, c, d;
    __cpuid(0, highest, b, c, d);
    const unsigned parts[] = {b, d, c};
    return std::string(reinterpret_cast<const char*>(parts), sizeof(parts));
}

// Leaf 1 EBX is left out: it holds the number of the core that answers.
std::string machine_id() {
    unsigned signature = 0, b = 0, c1 = 0, d1 = 0;
    __get_cpuid(1, &signature, &b, &c1, &d1);
    unsigned a7 = 0, b7 = 0, c7 = 0, d7 = 0;
    __get_cpuid_count(7, 0, &a7, &b7, &c7, &d7);
    unsigned a71 = 0, b71 = 0, c71 = 0, d71 = 0;
    if (a7 >= 1) {
        __get_cpuid_count(7, 1, &a71, &b71, &c71, &d71);
    }
    unsigned ax = 0, bx = 0, cx = 0, dx = 0;
    __get_cpuid(0x80000001, &ax, &bx, &cx, &dx);
    const uint64_t xcr0 = (c1 & kOsxsave) != 0 ? read_xcr0() : 0;
    return format("x86-%s-%08x-%08x%08x-%08x%08x%08x-%08x%08x-%08x%08x-%llx", vendor().c_str(),
                  signature, c1, d1, b7, c7, d7, a71, d71, cx, dx,
                  static_cast<unsigned long long>(xcr0));
}

#elif defined(__aarch64__) && defined(__linux__)

std::string machine_id() {
    return format("arm-%lx-%lx", getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
}

#else

// On other processors no CPU variant is chosen at run time.
std::string machine_id() { return "generic"; }

#endif

}  // namespace

void init_machine_id(py::module_& m) {
    m.def("machine_id", &machine_id,
          R"(
          Returns a short text that names the features of this processor and operating system.

          It is equal on machines where the same CPU backends run. Reading it takes microseconds.

          Returns:
            x86: vendor, signature, CPUID feature words and XCR0 in hexadecimal; ARM: HWCAPs.
          )"_doc);
}

}  // namespace core
