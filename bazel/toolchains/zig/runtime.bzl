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

# Of macOS the system has the rest, unwinding included, and zig's lib directory the stub of it
# (libSystem.tbd).
_MACOS_FILES = {
    "libc++.a": "libc++.a",
    "libc++abi.a": "libc++abi.a",
    "libcompiler_rt.a": "libcompiler_rt.a",
}

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

_LINUX = struct(
    files = _FILES,
    flags = "-fPIC -pie -Wl,--build-id=none",
)

_MACOS = struct(
    files = _MACOS_FILES,
    flags = "-fPIC",
)

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
    system = _MACOS if "-macos." in ctx.attr.target else _LINUX
    files = system.files | ({sanitizer.archive: sanitizer.archive} if sanitizer else {})
    outputs = {
        name: ctx.actions.declare_file("{}/{}".format(ctx.label.name, name))
        for name in files
    }
    command = _COMMAND % (sanitizer.flag + " " if sanitizer else "", system.flags)
    copies = ["copy {} {}".format(name, cached) for name, cached in files.items()]
    ctx.actions.run_shell(
        command = command + "\n".join(copies),
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
            doc = "zig target triple with the glibc or macOS version, such as " +
                  "`x86_64-linux-gnu.2.17` or `aarch64-macos.13.0`.",
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
    doc = "Builds the static C++ runtime of one zig target, and for Linux the C library's stubs.",
)
