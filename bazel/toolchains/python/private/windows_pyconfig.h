// pyconfig.h of CPython for Windows with MinGW's compilers, where no installation for Windows was
// named: Python's other public headers are the same on every system.
//
// It has the macros that those headers read (CPython 3.9 to 3.15), with the values of CPython's own
// PC/pyconfig.h. Sizes that the compiler knows are the compiler's. Py_GIL_DISABLED, the one macro
// of free-threaded builds, comes with the target.
#ifndef Py_CONFIG_H
#define Py_CONFIG_H

#define MS_WIN32
#define MS_WIN64
#define MS_WINDOWS
#define NT_THREADS

// Symbols are imported from pythonXY.dll.
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED 1

#define ALIGNOF_LONG 4
#define ALIGNOF_MAX_ALIGN_T 8
#define ALIGNOF_SIZE_T 8
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_FLOAT __SIZEOF_FLOAT__
#define SIZEOF_INT __SIZEOF_INT__
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#define SIZEOF_SHORT __SIZEOF_SHORT__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define SIZEOF_TIME_T 8
#define SIZEOF_VOID_P __SIZEOF_POINTER__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__

#define HAVE_LARGEFILE_SUPPORT
#define HAVE_USABLE_WCHAR_T 1
#define HAVE_WCHAR_H 1
#define WITH_DOC_STRINGS 1
#define WITH_PYMALLOC 1

// Of Python 3.9 and 3.10, which declare what the C library lacks.
#define DOUBLE_IS_LITTLE_ENDIAN_IEEE754 1
#define HAVE_COPYSIGN 1
#define HAVE_DECL_ISFINITE 1
#define HAVE_DECL_ISINF 1
#define HAVE_DECL_ISNAN 1
#define HAVE_ERRNO_H 1
#define HAVE_FINITE 1
#define HAVE_HYPOT 1
#define HAVE_ROUND 1
#define HAVE_STDDEF_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1

#endif  // Py_CONFIG_H
