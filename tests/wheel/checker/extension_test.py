"""Extensions of another ABI, and libraries that depend on one."""

from __future__ import annotations

from changes import Check, assert_only, module_of, set_library, set_module
from draft import Draft


def test_an_extension_of_another_abi(draft: Draft, check: Check) -> None:
    old, new = module_of(draft), "toy/_toy.cpython-313-x86_64-linux-gnu.so"
    draft.rename(old, new)
    tag = next(part for part in draft.name.split("-") if part.startswith("cp3"))
    draft.name = draft.name.replace(f"-{tag}-{tag}-", "-cp313-cp313t-")
    draft.replace(draft.inside("WHEEL"), f"{tag}-{tag}-", "cp313-cp313t-")
    draft.fit_sbom()
    suffix = r"\.cpython-313t-(x86_64|aarch64)-linux-gnu\.so"
    assert_only(check(draft), rf"has the suffix \S+, the ABI cp313t of the wheel {suffix}; build")


def test_an_extension_without_an_abi(draft: Draft, check: Check) -> None:
    draft.rename(module_of(draft), "toy/_toy.so")
    draft.fit_sbom()
    assert_only(check(draft), r"^toy/_toy\.so: has the suffix \.so, .*; name it _toy\.cpython-")


def test_no_extension(draft: Draft, check: Check) -> None:
    del draft.files[module_of(draft)]
    draft.fit_sbom()
    assert_only(check(draft), r"there is no extension module for cp3\d+")


def test_an_extension_without_its_init_function(draft: Draft, check: Check) -> None:
    set_module(draft, exported=("PyInit_toy",))
    assert_only(
        check(draft), "does not export PyInit__toy", "exports PyInit_toy beside PyInit__toy"
    )


def test_an_extension_that_exports_more(draft: Draft, check: Check) -> None:
    set_module(draft, exported=("PyInit__toy", "helper", "other"))
    assert_only(check(draft), "exports helper, other beside PyInit__toy; link it with py_extension")


def test_a_library_that_needs_python(draft: Draft, check: Check) -> None:
    set_library(draft, undefined=("PyErr_SetString", "_Py_Dealloc", "printf"))
    assert_only(check(draft), r"libtoy\.so: needs PyErr_SetString, _Py_Dealloc of Python")
