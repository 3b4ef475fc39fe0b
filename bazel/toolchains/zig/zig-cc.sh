#!/bin/sh
# Compiles one file with zig's clang.
#
# zig wants a writable cache and a resolvable home even for a single compile; both live below the action's own
# working directory and are thrown away, so that nothing leaks between actions or out of the sandbox.
# ZIG and ZIG_LIB_DIR are set by the toolchain (cc_toolchain_config.bzl).
set -eu

# Rules that call the compiler by its path alone leave the toolchain's environment out: rules_cuda's nvcc does. zig is
# an input of theirs all the same.
if [ -z "${ZIG-}" ]; then
    for ZIG in external/*zig_linux_*/zig; do :; done
    export ZIG_LIB_DIR="${ZIG%/zig}/lib"
fi

language=cc
for argument in "$@"; do
    case "$argument" in
        *.cc | *.cpp | *.cxx | c++) language=c++ ;;
    esac
done

cache=$(mktemp -d ./zig-cache.XXXXXX)
trap 'rm -rf "$cache"' EXIT
ZIG_GLOBAL_CACHE_DIR=$cache ZIG_LOCAL_CACHE_DIR=$cache "$ZIG" "$language" "$@"
