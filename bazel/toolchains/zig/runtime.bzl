"""`zig_runtime`: zig's C and C++ runtime for one target, built once as its own action.

An ordinary `zig c++` link builds libc++, libc++abi, libunwind, compiler_rt, the start file and
stubs of the C library into zig's cache (about a minute). This rule does one such link and takes
those files out of the cache, so that every later link is a plain ld.lld call (zig-ld.sh).
"""

# Output name -> name in zig's cache. The stubs keep their sonames; the output names make `-lm` and
# the like work.
_FILES = {
    "Scrt1.o": "Scrt1.o",
    "libc++.a": "libc++.a",
    "libc++abi.a": "libc++abi.a",
    "libc.so": "libc.so.6",
    "libc_nonshared.a": "libc_nonshared.a",
    "libcompiler_rt.a": "libcompiler_rt.a",
    "libdl.so": "libdl.so.2",
    "libld.so": "libld.so.2",
    "libm.so": "libm.so.6",
    "libpthread.so": "libpthread.so.0",
    "librt.so": "librt.so.1",
    "libunwind.a": "libunwind.a",
    "libutil.so": "libutil.so.1",
}

# musl is one library.
_MUSL_FILES = {
    name: _FILES[name]
    for name in ["libc++.a", "libc++abi.a", "libcompiler_rt.a", "libunwind.a"]
}

# Of macOS the system has the rest, unwinding included, and zig's lib directory the stub of it
# (libSystem.tbd).
_MACOS_FILES = {
    "libc++.a": "libc++.a",
    "libc++abi.a": "libc++abi.a",
    "libcompiler_rt.a": "libcompiler_rt.a",
}

# UCRT, zig's import libraries for it.
_UCRT = ["api-ms-win-crt-{}-l1-1-0".format(part) for part in [
    "conio",
    "convert",
    "environment",
    "filesystem",
    "heap",
    "locale",
    "math",
    "multibyte",
    "private",
    "process",
    "runtime",
    "stdio",
    "string",
    "time",
    "utility",
]]

# Libraries of Windows that ours may need.
_WINDOWS_LIBRARIES = [
    "advapi32",
    "bcrypt",
    "kernel32",
    "ntdll",
    "shell32",
    "user32",
    "ws2_32",
]

# Under these names lld-link exports none of their symbols (its list for MinGW).
_WINDOWS_FILES = {
    "crt2.o": "crt2.obj",
    "dllcrt2.o": "dllcrt2.obj",
    "libc++.a": "c++.lib",
    "libc++abi.a": "c++abi.lib",
    "libclang_rt.builtins-x86_64.a": "compiler_rt.lib",
    "libmingw32.a": "libmingw32.lib",
    "libmingwex.a": "zigc.lib",
    "libunwind.a": "unwind.lib",
} | {name + ".lib": name + ".lib" for name in _UCRT + _WINDOWS_LIBRARIES}

# Enough of C++ to make zig link all of its runtime, as a program (Scrt1.o) with unwinding.
_PROBE = (
    "#include <stdexcept>\n" +
    "int main() { try { throw std::runtime_error(\"\"); } catch (...) { return 0; } }\n"
)

_COMMAND = """
set -eu
export ZIG_GLOBAL_CACHE_DIR="$PWD/zig-cache" ZIG_LOCAL_CACHE_DIR="$PWD/zig-cache"
"$ZIG" c++ %s-target "$TARGET" -g0 -s -O2 %s "$SOURCE" -o probe
copy() {
    set -- "$1" "$2" zig-cache/o/*/"$2"
    [ $# -eq 3 ] && [ -f "$3" ] || {
        echo "zig_runtime: zig did not make exactly one $2" >&2
        exit 1
    }
    cp "$3" "$OUT/$1"
}
"""

# A DLL has a start file of its own. zig compiles either twice, for two of its cache keys: files
# that are equal are one.
_ADD_DLL = """
"$ZIG" c++ -target "$TARGET" -g0 -s -O2 -shared "$SOURCE" -o probe.dll
only() {
    first=
    for file in zig-cache/o/*/"$1"; do
        if [ -z "$first" ]; then
            first=$(sha256sum <"$file")
        elif [ "$first" = "$(sha256sum <"$file")" ]; then
            rm "$file"
        fi
    done
}
only crt2.obj
only dllcrt2.obj
"""

# zig's cache has two start files of musl, which differ. Its stub of musl, out of libc.S, is linked
# under the soname that wheels for musl have in them: Alpine Linux's. By either name musl finds
# itself.
_MAKE_MUSL = """
cpu=${TARGET%%-*}
musl=$ZIG_LIB_DIR/libc/musl
"$ZIG" cc -target "$TARGET" -g0 -O2 -fPIC -c "$musl/crt/Scrt1.c" -o "$OUT/Scrt1.o" \
    "-I$musl/arch/$cpu" "-I$musl/arch/generic" "-I$musl/src/include" "-I$musl/src/internal"
"$ZIG" cc -target "$TARGET" -g0 -c "$musl/libc.S" -o stub.o \
    -DPTR64 "-DARCH_$cpu" "-DFAMILY_${cpu%_64}"
"$ZIG" ld.lld -shared --build-id=none -soname "libc.musl-$cpu.so.1" stub.o -o "$OUT/libc.so"
"""

_LINUX_FLAGS = "-fPIC -pie -Wl,--build-id=none"

# Fields: `files` of zig's cache, `made` by the commands of `prepare`, `flags` of the link.
_GLIBC = struct(
    files = _FILES,
    flags = _LINUX_FLAGS,
    made = [],
    prepare = "",
)

_MUSL = struct(
    files = _MUSL_FILES,
    # zig links to musl statically otherwise.
    flags = "-dynamic " + _LINUX_FLAGS,
    made = ["Scrt1.o", "libc.so"],
    prepare = _MAKE_MUSL,
)

_MACOS = struct(
    files = _MACOS_FILES,
    flags = "-fPIC",
    made = [],
    prepare = "",
)

_WINDOWS = struct(
    files = _WINDOWS_FILES,
    flags = " ".join(["-l" + name for name in _WINDOWS_LIBRARIES]),
    made = [],
    prepare = _ADD_DLL,
)

# Part of a target -> its system.
_SYSTEMS = {
    "-linux-gnu.": _GLIBC,
    "-linux-musl": _MUSL,
    "-macos.": _MACOS,
    "-windows-": _WINDOWS,
}

# Sanitizer -> flag, and its archive.
_SANITIZERS = {
    "thread": struct(
        archive = "libtsan.a",
        flag = "-fsanitize=thread",
    ),
    "undefined": struct(
        archive = "libubsan_rt.a",
        flag = "-fsanitize=undefined",
    ),
}

# C++ runtime that is compiled with the sanitizer too, and takes the place of the ordinary one.
_LIBCXX = ["libc++.a", "libc++abi.a"]

def _zig_runtime_impl(ctx):
    source = ctx.actions.declare_file(ctx.label.name + "/probe.cpp")
    ctx.actions.write(source, _PROBE)
    sanitizer = _SANITIZERS.get(ctx.attr.sanitizer)
    system = [facts for part, facts in _SYSTEMS.items() if part in ctx.attr.target][0]
    files = system.files | ({sanitizer.archive: sanitizer.archive} if sanitizer else {})
    outputs = {
        name: ctx.actions.declare_file("{}/{}".format(ctx.label.name, name))
        for name in files.keys() + system.made
    }
    command = _COMMAND % (sanitizer.flag + " " if sanitizer else "", system.flags)
    copies = ["copy {} {}".format(name, cached) for name, cached in files.items()]
    ctx.actions.run_shell(
        command = command + system.prepare + "\n".join(copies),
        env = {
            "OUT": source.dirname,
            "SOURCE": source.path,
            "TARGET": ctx.attr.target,
            "ZIG": ctx.executable.zig.path,
            "ZIG_LIB_DIR": ctx.executable.zig.dirname + "/lib",
        },
        inputs = depset([source], transitive = [ctx.attr.zig_lib.files]),
        mnemonic = "ZigRuntime",
        outputs = outputs.values(),
        progress_message = "Building zig's C++ runtime for " + ctx.attr.target,
        tools = [ctx.executable.zig],
    )
    return [
        DefaultInfo(files = depset(outputs.values())),
        OutputGroupInfo(
            libcxx = depset([outputs[name] for name in _LIBCXX]),
            sanitizer = depset([outputs[sanitizer.archive]] if sanitizer else []),
        ),
    ]

zig_runtime = rule(
    implementation = _zig_runtime_impl,
    attrs = {
        "sanitizer": attr.string(
            doc = "Sanitizer to build it with. A program links to all of the output group " +
                  "`sanitizer` then, and to `libcxx` in front of the toolchain's.",
            values = [""] + _SANITIZERS.keys(),
        ),
        "target": attr.string(
            doc = "zig target triple, with the glibc or macOS version if there is one: " +
                  "`x86_64-linux-gnu.2.17`, `x86_64-linux-musl`, `aarch64-macos.13.0` or " +
                  "`x86_64-windows-gnu`.",
            mandatory = True,
        ),
        "zig": attr.label(
            cfg = "exec",
            doc = "The zig executable.",
            executable = True,
            mandatory = True,
            allow_single_file = True,
        ),
        "zig_lib": attr.label(
            cfg = "exec",
            doc = "zig's lib directory: sources of the runtime, and of the sanitizer if one is " +
                  "named, and headers.",
            mandatory = True,
        ),
    },
    doc = "Builds the static C++ runtime of one zig target, and for Linux and " +
          "Windows the C library's stubs.",
)
