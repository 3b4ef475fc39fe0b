"""`foreign_test`: a pytest suite on this machine about files that are built for another system."""

load("@rules_python//python:py_binary.bzl", "py_binary")

def _foreign_test_impl(ctx):
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    runner = ctx.executable.runner
    ctx.actions.write(
        launcher,
        "#!/bin/sh\nexec {} {}\n".format(
            runner.short_path,
            " ".join([file.short_path for file in ctx.files.site + ctx.files.srcs]),
        ),
        is_executable = True,
    )
    runfiles = ctx.runfiles(ctx.files.data + ctx.files.site + ctx.files.srcs)
    return [
        DefaultInfo(
            executable = launcher,
            runfiles = runfiles.merge(ctx.attr.runner[DefaultInfo].default_runfiles),
        ),
        RunEnvironmentInfo({
            name: ctx.expand_location(value, ctx.attr.data)
            for name, value in ctx.attr.env.items()
        }),
    ]

_foreign_test = rule(
    implementation = _foreign_test_impl,
    attrs = {
        "data": attr.label_list(
            allow_files = True,
            doc = "Files that the tests read; those that are built are for the other system.",
        ),
        "env": attr.string_dict(
            doc = "Environment of the tests; `$(rootpath ...)` is expanded.",
        ),
        "runner": attr.label(
            cfg = "exec",
            doc = "The program that runs pytest.",
            executable = True,
            mandatory = True,
        ),
        "site": attr.label(
            allow_files = True,
            cfg = "exec",
            doc = "An `installed_wheels` directory that has pytest.",
            mandatory = True,
        ),
        "srcs": attr.label_list(
            allow_files = [".py"],
            doc = "Test files, and modules that they import by their plain names.",
            mandatory = True,
        ),
    },
    doc = "Runs pytest here, while its data is built for another system.",
    test = True,
)

def foreign_test(name, srcs, data, env, **kwargs):
    """Declares the suite, for the `--config` of the other system; it shares all of its actions.

    Args:
      name: name of the test.
      srcs: as those of pytest_test.
      data: files that the tests read; those that are built are for the other system.
      env: as that of pytest_test.
      **kwargs: common attributes of tests; target_compatible_with names the other system.
    """
    py_binary(
        name = name + "_runner",
        testonly = True,
        srcs = ["//bazel/testing:run_pytest.py"],
        main = "//bazel/testing:run_pytest.py",
        tags = ["manual"],
    )
    _foreign_test(
        name = name,
        srcs = srcs,
        data = data,
        env = env,
        runner = ":" + name + "_runner",
        site = "//tests:tools",
        **kwargs
    )
