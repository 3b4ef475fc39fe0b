"""`guided_program`: a program, all of which tells libFuzzer the branches that it takes."""

_COPT = "//command_line_option:copt"

_INSTRUMENTED = [
    "-fsanitize-coverage=inline-8bit-counters,pc-table,trace-cmp",
    # An index beyond a vector or a string ends the program. zig sets both macros to nothing.
    "-Wno-macro-redefined",
    "-D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_EXTENSIVE",
    "-D_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_QUICK_ENFORCE",
    # Lines in reports.
    "-g1",
]

_instrumented = transition(
    implementation = lambda settings, _attr: {_COPT: settings[_COPT] + _INSTRUMENTED},
    inputs = [_COPT],
    outputs = [_COPT],
)

def _guided_program_impl(ctx):
    program = ctx.attr.program[0]
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        is_executable = True,
        output = executable,
        target_file = program[DefaultInfo].files_to_run.executable,
    )
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable]),
            runfiles = program[DefaultInfo].default_runfiles,
        ),
        program[RunEnvironmentInfo],
    ]

guided_program = rule(
    implementation = _guided_program_impl,
    attrs = {
        "program": attr.label(
            cfg = _instrumented,
            doc = "The program; it links to @libfuzzer//:engine.",
            executable = True,
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    doc = "Compiles a program, and all that it links to, for libFuzzer.",
    executable = True,
)
