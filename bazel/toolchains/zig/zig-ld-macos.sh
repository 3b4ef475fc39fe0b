#!/bin/sh
# Links for macOS with zig's linker and the prebuilt C++ runtime of ZIG_RUNTIME (runtime.bzl).
#
# Without -nostdlib zig would build the runtime again in every sandbox. Arguments may come through a
# parameter file (@FILE).
set -eu

expand() {
    for argument in "$@"; do
        case "$argument" in
            @loader_path* | @rpath*) printf '%s\n' "$argument" ;;
            @*) cat "${argument#@}" ;;
            *) printf '%s\n' "$argument" ;;
        esac
    done
}

# Without an install name a library would get the path of its output, which exists in this build
# only.
install_name() {
    case "$words" in
        *-install_name*) ;;
        *-dynamiclib*)
            printf -- '-Wl,-install_name,@rpath/%s\n' \
                "$(printf '%s\n' "$words" | sed -n '/^-o$/{n;s@.*/@@;p;}')"
            ;;
    esac
}

words=$(expand "$@")
cache=$(mktemp -d ./zig-cache.XXXXXX)
trap 'rm -rf "$cache"' EXIT
export ZIG_GLOBAL_CACHE_DIR="$cache" ZIG_LOCAL_CACHE_DIR="$cache"

# One word a line; no word is split or expanded further.
set -f
IFS='
'
# shellcheck disable=SC2046
"$ZIG" cc -target "$ZIG_TARGET" -g0 -nostdlib $words $(install_name) \
    "$ZIG_RUNTIME/libc++.a" "$ZIG_RUNTIME/libc++abi.a" "$ZIG_RUNTIME/libcompiler_rt.a" -lSystem
