#!/bin/sh
# Compiles one file with zig's clang.
#
# zig needs two writable caches even for a single compile, one of which it would put into the home
# directory. Both are below the action's own working directory and are deleted, so that nothing
# leaks between actions or out of the sandbox. The toolchain (cc_toolchain_config.bzl) sets ZIG and
# ZIG_LIB_DIR.
set -eu

# Rules that call the compiler by its path alone, as rules_cuda's nvcc does, do not set the
# toolchain's environment. zig is an input of theirs all the same.
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
