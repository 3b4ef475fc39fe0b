#!/bin/sh
# Links for Windows with zig's lld-link and the prebuilt C and C++ runtime of ZIG_RUNTIME
# (runtime.bzl).
#
# Arguments arrive in compiler-driver style, also through a parameter file (@FILE); `-Wl,a,b`
# becomes `a b`, and a word that no driver has goes to lld-link as it is. DLLs are linked to
# directly: in MinGW mode lld-link reads their export tables, so there are no import libraries.
set -eu

expand() {
    for argument in "$@"; do
        case "$argument" in
            @*) cat "${argument#@}" ;;
            *) printf '%s\n' "$argument" ;;
        esac
    done
}

# Prints the file that `-l$1` means.
library() {
    for directory in $directories; do
        for name in "${1#:}" "$1.dll" "lib$1.dll"; do
            if [ -f "$directory/$name" ]; then
                printf '%s\n' "$directory/$name"
                return
            fi
        done
    done
    printf '%s\n' "$ZIG_RUNTIME/$1.lib"
}

words=$(mktemp ./zig-ld.XXXXXX)
arguments=$(mktemp ./zig-ld.XXXXXX)
trap 'rm -f "$words" "$arguments"' EXIT
expand "$@" | sed -e 's/^-Wl,//; t comma' -e b -e ':comma' -e 's/,/\n/g' >"$words"

start=$ZIG_RUNTIME/crt2.o
directories=
previous=
while IFS= read -r word; do
    case "$previous$word" in
        -o | -pthread) ;;
        -o*) printf -- '-out:%s\n' "$word" ;;
        -shared)
            start=$ZIG_RUNTIME/dllcrt2.o
            printf '%s\n' -dll
            ;;
        -L*) directories="$directories ${word#-L}" ;;
        -l*) library "${word#-l}" ;;
        *) printf '%s\n' "$word" ;;
    esac
    previous=
    if [ "$word" = -o ]; then
        previous=-o
    fi
done <"$words" >"$arguments"

# zig-ld.sh of Linux has the reasons; a stack is as large as on Linux, and no time is written.
exec_link() {
    "$ZIG" lld-link -lldmingw -nologo -machine:x64 -build-id:no -timestamp:0 -noimplib \
        -opt:ref -opt:noicf -stack:8388608 -alternatename:__image_base__=__ImageBase \
        "@$arguments" "$start" "$ZIG_RUNTIME"/*.a "$ZIG_RUNTIME"/*.lib
}
exec_link
