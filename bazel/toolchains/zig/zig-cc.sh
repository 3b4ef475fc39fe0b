#!/bin/sh
# Compiles one file with zig's clang.
#
# zig wants a writable cache and a resolvable home even for a single compile; both live below the action's own
# working directory and are thrown away, so that nothing leaks between actions or out of the sandbox.
# ZIG and ZIG_LIB_DIR are set by the toolchain (cc_toolchain_config.bzl).
set -eu

language=cc
for argument in "$@"; do
    case "$argument" in
        *.cc | *.cpp | *.cxx | c++) language=c++ ;;
    esac
done

cache=$(mktemp -d ./zig-cache.XXXXXX)
trap 'rm -rf "$cache"' EXIT
ZIG_GLOBAL_CACHE_DIR=$cache ZIG_LOCAL_CACHE_DIR=$cache "$ZIG" "$language" "$@"
