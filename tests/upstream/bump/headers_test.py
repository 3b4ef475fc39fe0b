"""The declarations of headers, and their differences."""

from __future__ import annotations

from pathlib import Path

from tools.bump import defaults, headers

OLD = """
#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define LLAMA_MAGIC 0x67u
#define LLAMA_VERSION_OF_FILE 3 // a comment
#define LLAMA_CALL(x) ((x) + 1)
typedef int32_t llama_token;
typedef bool (*llama_callback)(float progress, void * data);
struct llama_context;
enum llama_kind {
    LLAMA_KIND_A = -1,
    LLAMA_KIND_B, // follows
    LLAMA_KIND_C = 1 << 4,
    LLAMA_KIND_LAST = LLAMA_KIND_C,
};
typedef struct llama_params {
    int32_t n_ctx; // text { with ; marks
    const float * split[4], * other;
    void (*callback)(int, void *);
    union { int a; float b; };
} llama_params_alias;
LLAMA_API struct llama_params llama_default(void);
LLAMA_API void llama_gone(int a,
                          int b);
DEPRECATED(LLAMA_API int llama_old(const char * path), "use llama_new, please");
GGML_ATTRIBUTE_FORMAT(2, 3) LLAMA_API void llama_print(int level, const char * format, ...);
static inline int llama_inline(int a) { return a + 1; }
#ifdef __cplusplus
}
namespace llama { struct cpp_only { int field; }; }
#endif
"""


def changes(new: str) -> list[str]:
    return [str(change) for change in headers.compare(headers.parse(OLD), headers.parse(new))]


def test_declarations() -> None:
    header = headers.parse(OLD)
    assert header.functions == {
        "llama_default": "struct llama_params llama_default(void)",
        "llama_gone": "void llama_gone(int a, int b)",
        "llama_old": "int llama_old(const char * path) [deprecated]",
        "llama_print": "void llama_print(int level, const char * format, ...)",
        "llama_inline": "static inline int llama_inline(int a)",
    }
    assert header.enumerators == {
        "llama_kind": {
            "LLAMA_KIND_A": "-1",
            "LLAMA_KIND_B": "0",
            "LLAMA_KIND_C": "16",
            "LLAMA_KIND_LAST": "16",
        }
    }
    assert list(header.types) == ["llama_token", "llama_callback"]
    assert header.fields["llama_params_alias.n_ctx"] == "int32_t n_ctx"
    assert "llama_params_alias.callback" in header.fields
    assert not [name for name in header.fields if "cpp_only" in name]


def test_the_same_header_has_no_changes() -> None:
    assert changes(OLD) == []
    # Neither comments nor layout are changes.
    assert changes(OLD.replace("int32_t n_ctx; // text", "int32_t\n    n_ctx; // other")) == []


def test_functions() -> None:
    new = OLD.replace("LLAMA_API void llama_gone(int a,\n                          int b);", "")
    new = new.replace(
        "llama_default(void);", "llama_default(int a); LLAMA_API int llama_new(void);"
    )
    assert changes(new) == [
        "- function llama_gone: void llama_gone(int a, int b)",
        "~ function llama_default:\n    - struct llama_params llama_default(void)\n"
        "    + struct llama_params llama_default(int a)",
        "+ function llama_new: int llama_new(void)",
    ]


def test_a_function_that_becomes_deprecated() -> None:
    new = OLD.replace("LLAMA_API struct llama_params llama_default(void);", "")
    new += 'DEPRECATED(LLAMA_API struct llama_params llama_default(void), "no");'
    (change,) = changes(new)
    assert change.endswith("+ struct llama_params llama_default(void) [deprecated]")


def test_fields_and_enumerators() -> None:
    new = OLD.replace("int32_t n_ctx;", "int64_t n_ctx; bool is_new;").replace(
        "LLAMA_KIND_B,", "LLAMA_KIND_B, LLAMA_KIND_X,"
    )
    assert changes(new) == [
        "~ field llama_params_alias.n_ctx:\n    - int32_t n_ctx\n    + int64_t n_ctx",
        "+ field llama_params_alias.is_new: bool is_new",
        "+ enumerator LLAMA_KIND_X: 1",
    ]


def test_an_enumerator_in_between_moves_those_behind_it() -> None:
    old, new = (headers.parse(f"enum e {{ {names} }};") for names in ("A, B", "A, X, B"))
    assert [str(change) for change in headers.compare(old, new)] == [
        "+ enumerator X: 1",
        "~ enumerator B:\n    - 1\n    + 2",
    ]


def test_macros() -> None:
    assert changes(OLD.replace("_FILE 3", "_FILE 4")) == [
        "~ macro LLAMA_VERSION_OF_FILE:\n    - 3\n    + 4"
    ]


def test_defaults(tmp_path: Path) -> None:
    function = (
        "llama_x_params llama_x_default_params() {{\n    llama_x_params result = {{\n"
        "        /*.n_ctx      =*/ {n_ctx}, // rows\n        /*.callback   =*/ nullptr,\n"
        "    }};\n    result.is_fast = true;\n    return result;\n}}\n"
    )
    for tree, n_ctx, flag in (("old", 512, "true"), ("new", 1024, "false")):
        for folder in ("src", "tools/mtmd"):
            (tmp_path / tree / folder).mkdir(parents=True)
        (tmp_path / tree / "src/a.cpp").write_text(function.format(n_ctx=n_ctx))
        (tmp_path / tree / "tools/mtmd/b.cpp").write_text(
            "mtmd_params mtmd_params_default() {\n    mtmd_params params {\n"
            f"        /* warmup  */ {flag},\n    }};\n    return params;\n}}\n"
        )
    assert defaults.read(tmp_path / "old") == {
        "llama_x_default_params.n_ctx": "512",
        "llama_x_default_params.callback": "nullptr",
        "llama_x_default_params.is_fast": "true",
        "mtmd_params_default.warmup": "true",
    }
    found = [change[1:] for change in defaults.compare(tmp_path / "old", tmp_path / "new")]
    assert found == [
        ("llama_x_default_params.n_ctx", "512", "1024"),
        ("mtmd_params_default.warmup", "true", "false"),
    ]
