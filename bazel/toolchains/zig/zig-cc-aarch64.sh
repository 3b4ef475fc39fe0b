#!/bin/sh
# Compiles one file for 64-bit ARM: zig-cc.sh, with `-march=` translated.
#
# zig knows CPUs by LLVM's names only: -march=armv8.2-a+fp16 is -mcpu=generic+v8_2a+fullfp16, and
# +nosve is -sve.
set -eu

for argument in "$@"; do
    shift
    case "$argument" in
        -march=armv*)
            argument=$(printf '%s' "$argument" | sed \
                -e 's/^-march=armv\([0-9]\)\.\([0-9]\)-a/-mcpu=generic+v\1_\2a/' \
                -e 's/^-march=armv\([0-9]\)-a/-mcpu=generic+v\1a/' \
                -e 's/+fp16/+fullfp16/' \
                -e 's/+no\([a-z]\)/-\1/')
            ;;
    esac
    set -- "$@" "$argument"
done
exec "$(dirname "$0")/zig-cc.sh" "$@"
