"""`python_fuzz_target`: a function that takes any bytes, run over a corpus and over new inputs."""

load("//bazel/testing:pytest_test.bzl", "pytest_test")

def python_fuzz_target(name, modules, site, guided_site, srcs = [], data = [], env = {}):
    """Declares `<name>_corpus_test`, and `<name>_guided_test`, which runs a minute and is manual.

    The module `<name>.py` has the function `one_input(data)`. An exception that it lets out, a
    signal, 10 seconds or 1 GiB for one input fail a test. Inputs are in `corpus/<name>`.

    Args:
      name: name of the target and of its module.
      modules: modules, or packages, whose coverage guides new inputs.
      site: an `installed_wheels` target that has pytest and the packages that the target imports.
      guided_site: the same, with Atheris.
      srcs: modules that the target imports by their plain names.
      data: files that it reads.
      env: environment; as for pytest_test.
    """
    corpus = native.glob(["corpus/{}/*".format(name)])
    common = {
        "FUZZ_CORPUS": " ".join(["$(rootpath {})".format(file) for file in corpus]),
        "FUZZ_TARGET": name,
    }
    own = [
        name + ".py",
        "choices.py",
        "damage.py",
    ]
    pytest_test(
        name = name + "_corpus_test",
        size = "medium",
        srcs = srcs + own + [
            "replay.py",
            "replay_test.py",
        ],
        data = data + corpus,
        env = env | common,
        site = site,
    )
    pytest_test(
        name = name + "_guided_test",
        size = "enormous",
        srcs = srcs + own + [
            "guided.py",
            "guided_test.py",
        ],
        data = data + corpus,
        env = env | common | {"FUZZ_MODULES": ",".join(modules)},
        site = guided_site,
        tags = [
            "exclusive-if-local",
            "manual",
        ],
    )
