// glibc's features.h, with a __GLIBC_PREREQ that fits the headers of zig.
//
// zig has one set of glibc headers for all floors, the newest, and tells them the floor by defining
// __GLIBC_MINOR__ on the command line. CUDA's headers ask __GLIBC_PREREQ how glibc declares cospi()
// and similar functions, and would repeat the declarations differently. So __GLIBC_MINOR__ stays
// the version to link against, and __GLIBC_PREREQ becomes the version of the declarations. Other
// compilers define __GLIBC_MINOR__ here and not before, and see no difference.
#ifdef __GLIBC_MINOR__
#define LLAMA_CPP_HEADERS_OF_ZIG
#endif

#include_next <features.h>

#ifdef LLAMA_CPP_HEADERS_OF_ZIG
#undef __GLIBC_PREREQ
// zig 0.17's headers are those of glibc 2.43 (lib/libc/include/generic-glibc).
#define __GLIBC_PREREQ(major, minor) ((2 << 16) + 43 >= ((major) << 16) + (minor))
#endif
