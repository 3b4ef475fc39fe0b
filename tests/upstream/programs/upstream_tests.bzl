"""The table of upstream's tests: `tests/` of llama.cpp, each with its needs, or left out.

table_test compares it with the sources, so that no new test is lost. Names of runs are those
of upstream's CTest.
"""

def _run(args = [], env = {}, push = "all", size = "medium"):
    """Returns a run of a program.

    Args:
      args: its arguments.
      env: its environment.
      push: which CPU variants `./bazelw test //...` runs: "all", "some" or "none". The others are
        left to //tests:everything.
      size: size of the test.
    """
    return struct(args = args, env = env, push = push, size = size)

def _program(
        runs,
        links = "llama",
        needs = [],
        sources = [],
        additions = [],
        per_variant = False,
        optimized = False):
    """Returns a program that is compiled and run.

    Args:
      runs: name -> _run(), or one name.
      links: key of LINKS in programs.bzl, or "variant": the objects of a CPU variant.
      needs: keys of NEEDS in programs.bzl, and "backend": a CPU backend.
      sources: more sources below `tests/`.
      additions: sources of this directory that are linked to it.
      per_variant: whether it runs once for each CPU variant; "{variant}" in arguments is its name.
      optimized: whether its own code computes for long.
    """
    return struct(
        additions = additions,
        left_out = None,
        links = links,
        needs = needs,
        optimized = optimized,
        per_variant = per_variant,
        runs = runs if type(runs) == "dict" else {runs: _run()},
        sources = sources,
    )

def _left_out(reason):
    """Returns a test that is not run here."""
    return struct(left_out = reason)

_VOCABULARIES = [
    "bert-bge",
    "command-r",
    "deepseek-coder",
    "deepseek-llm",
    "falcon",
    "gemma-4",
    "gpt-2",
    "llama-bpe",
    "llama-spm",
    "mpt",
    "phi-3",
    "qwen2",
    "qwen35",
    "refact",
    "starcoder",
]

def _vocabulary(name):
    return "models/ggml-vocab-{}.gguf".format(name)

# Where upstream's tests look for a model.
_MODEL_FILE = {"LLAMACPP_TEST_MODELFILE": "trained.gguf"}

# Without copies from bf16 and f16 to q8_0: README.md says why they differ.
_SAME_ROUNDING = "^(?!type_src=b?f16,type_dst=q8_0)"

# Without the types of iq*, whose tables alone take 15 seconds.
_SMALL_PRODUCTS = (
    "type_a=(f32|f16|bf16|q[2-8]_[01K]|mxfp4).*" +
    "(m=16,n=[18],k=256,bs=.1,1.,nr=.1,1.,per=.0,1,2,3.|" +
    "n_mats=4,n_used=2,b=0,m=512,n=(1|32),k=256)"
)

_QUICK_OPERATIONS = ",".join([
    "CLAMP",
    "COS",
    "CUMSUM",
    "EXP",
    "GATED_LINEAR_ATTN",
    "GEGLU",
    "GELU",
    "GELU_QUICK",
    "GROUP_NORM",
    "L2_NORM",
    "NORM",
    "RMS_NORM",
    "RWKV_WKV6",
    "RWKV_WKV7",
    "SCALE",
    "SILU",
    "SILU_BACK",
    "SOFTPLUS",
    "SOFT_MAX_BACK",
    "SQR",
    "SSM_CONV",
    "SSM_SCAN",
    "SUM_ROWS",
    "SWIGLU",
])

_NOT_METAL = "calls ggml's Metal backend, which needs a Mac"
_HUGGING_FACE = "downloads from Hugging Face"

UPSTREAM_TESTS = {
    "test-alloc.cpp": _program("test-alloc", links = "ggml"),
    "test-arg-parser.cpp": _program("test-arg-parser", additions = ["ggml_ai.cpp"]),
    "test-autorelease.cpp": _program(
        needs = ["backend", "trained"],
        runs = {"test-autorelease": _run(env = _MODEL_FILE)},
    ),
    "test-backend-ops.cpp": _program(
        {
            "test-backend-ops": _run(
                ["-b", "{variant}", "-p", _SAME_ROUNDING],
                push = "none",
                size = "enormous",
            ),
            "test-backend-ops-products": _run(
                ["-b", "{variant}", "-o", "MUL_MAT,MUL_MAT_ID", "-p", _SMALL_PRODUCTS],
            ),
            "test-backend-ops-quick": _run(["-b", "{variant}", "-o", _QUICK_OPERATIONS]),
        },
        additions = ["reference_device.cpp"],
        links = "ggml",
        needs = ["reference"],
        optimized = True,
        per_variant = True,
    ),
    "test-backend-sampler.cpp": _program(
        # It decodes the token 3834, and a bias of 10 must decide.
        needs = ["backend", "wide vocabulary"],
        runs = {
            "test-backend-sampler": _run(env = {
                "LLAMACPP_TEST_MODELFILE": "random/wide-vocabulary.gguf",
            }),
        },
    ),
    "test-barrier.cpp": _program("test-barrier", links = "variant", per_variant = True),
    "test-batch-alloc.cpp": _program("test-batch-alloc", links = "llama inside"),
    "test-c.c": _program("test-c"),
    "test-chat-analysis.cpp": _left_out("prints an analysis of templates and checks nothing"),
    "test-chat-auto-parser.cpp": _program("test-chat-auto-parser", needs = ["models"]),
    "test-chat-peg-parser.cpp": _program(
        "test-chat-peg-parser",
        sources = ["peg-parser/simple-tokenize.cpp"],
    ),
    "test-chat-template.cpp": _program("test-chat-template"),
    "test-chat.cpp": _program("test-chat", links = "server", needs = ["models"]),
    "test-col2im-1d.cpp": _program("test-col2im-1d", links = "variant", per_variant = True),
    "test-double-float.cpp": _left_out("compares functions of the C library, none of llama.cpp"),
    # It does not open backends that are libraries of their own.
    "test-export-graph-ops.cpp": _left_out("writes the operations of a graph and checks nothing"),
    "test-fusion.cpp": _left_out("needs a backend that counts fused operations: Metal alone does"),
    "test-gbnf-validator.cpp": _left_out("a tool: validates a text of the caller's"),
    "test-gguf-model-data.cpp": _left_out(_HUGGING_FACE),
    "test-gguf.cpp": _program("test-gguf", links = "ggml inside"),
    "test-grammar-integration.cpp": _program("test-grammar-integration", links = "llama inside"),
    "test-grammar-llguidance.cpp": _left_out("needs LLGuidance, which the wheel does not have"),
    "test-grammar-parser.cpp": _program("test-grammar-parser", links = "llama inside"),
    "test-jinja.cpp": _program("test-jinja"),
    "test-json-schema-to-grammar.cpp": _program(
        "test-json-schema-to-grammar",
        links = "llama inside",
    ),
    "test-json-schema.cpp": _program("test-json-schema"),
    "test-llama-archs.cpp": _program(
        "test-llama-archs",
        links = "llama inside",
        needs = ["backend"],
        optimized = True,
    ),
    "test-llama-grammar.cpp": _program("test-llama-grammar", links = "llama inside"),
    "test-log.cpp": _program("test-log", links = "llama log"),
    "test-lora-conversion-inference.sh": _left_out(_HUGGING_FACE),
    "test-metal-graph-optimize.cpp": _left_out(_NOT_METAL),
    "test-model-load-cancel.cpp": _program(
        needs = ["backend", "trained"],
        runs = {"test-model-load-cancel": _run(env = _MODEL_FILE)},
    ),
    "test-model-resolution.cpp": _program("test-model-resolution"),
    "test-mtmd-c-api.c": _program("test-mtmd-c-api", links = "mtmd"),
    "test-mtmd-impl.cpp": _program("test-mtmd-impl", links = "mtmd inside"),
    "test-opt.cpp": _program("test-opt", links = "ggml", per_variant = True),
    "test-peg-parser.cpp": _program(
        "test-peg-parser",
        sources = [
            "peg-parser/simple-tokenize.cpp",
            "peg-parser/test-basic.cpp",
            "peg-parser/test-gbnf-generation.cpp",
            "peg-parser/test-json-parser.cpp",
            "peg-parser/test-python-dict-parser.cpp",
            "peg-parser/test-unicode.cpp",
        ],
    ),
    "test-quant-type-selection.cpp": _left_out(_HUGGING_FACE),
    "test-quantize-fns.cpp": _program(
        {"test-quantize-fns": _run(push = "some")},
        links = "variant",
        per_variant = True,
    ),
    "test-quantize-perf.cpp": _program(
        "test-quantize-perf",
        links = "variant",
        per_variant = True,
    ),
    "test-quantize-stats.cpp": _left_out("prints statistics of a model and checks nothing"),
    "test-reasoning-budget.cpp": _program("test-reasoning-budget"),
    "test-recurrent-state-rollback.cpp": _program(
        links = "llama inside",
        needs = ["backend", "architectures"],
        # Upstream's: it aborts if a graph needs memory that was not reserved.
        runs = {
            "test-recurrent-state-rollback": _run(
                ["--models", "architectures"],
                env = {"GGML_SCHED_DEBUG_REALLOC": "1"},
            ),
        },
        additions = ["architectures.cpp"],
    ),
    "test-rope.cpp": _program("test-rope", links = "variant", per_variant = True),
    "test-rpc-multi-server.cpp": _left_out(
        "calls functions that the RPC backend, as a plug-in, does not export",
    ),
    "test-rpc-multi-server.sh": _left_out("starts test-rpc-multi-server"),
    "test-rset-release.cpp": _left_out(_NOT_METAL),
    "test-sampling.cpp": _program("test-sampling", links = "llama inside"),
    "test-save-load-state.cpp": _program(
        needs = ["backend", "architectures"],
        runs = {"test-save-load-state": _run(["--models", "architectures"])},
        additions = ["architectures.cpp"],
    ),
    "test-state-restore-fragmented.cpp": _program(
        needs = ["backend", "trained"],
        runs = {"test-state-restore-fragmented": _run(["-m", "trained.gguf"])},
    ),
    "test-thread-safety.cpp": _program(
        needs = ["backend", "trained"],
        runs = {
            "test-thread-safety": _run([
                "-m",
                "trained.gguf",
                "-ngl",
                "99",
                "-p",
                "The meaning of life is",
                "-n",
                "128",
                "-c",
                "256",
                "-ub",
                "32",
                "-np",
                "4",
                "-t",
                "2",
            ]),
        },
    ),
    "test-tiled-mulmat.cpp": _program(
        {"test-tiled-mulmat": _run(push = "some")},
        links = "ggml",
        per_variant = True,
        optimized = True,
    ),
    "test-tokenizer-0.cpp": _program(
        needs = ["models"],
        runs = {
            "test-tokenizer-0-" + name: _run([_vocabulary(name)])
            for name in _VOCABULARIES
        },
    ),
    "test-tokenizer-0.py": _left_out(_HUGGING_FACE),
    "test-tokenizer-0.sh": _left_out(_HUGGING_FACE),
    # A byte that is no character was to throw; unicode_cpts_from_utf8() replaces it now.
    "test-tokenizer-1-bpe.cpp": _left_out("fails at tokens of one byte; CTest does not run it"),
    "test-tokenizer-1-spm.cpp": _program(
        links = "llama inside",
        needs = ["models"],
        runs = {"test-tokenizer-1-llama-spm": _run([_vocabulary("llama-spm")])},
    ),
    "test-tokenizer-random.py": _left_out(_HUGGING_FACE),
    "test-tokenizers-repo.sh": _left_out(_HUGGING_FACE),
    "test-unicode.cpp": _program("test-unicode", links = "llama inside"),
}

# Tests of upstream's CTest that are no program, or another use of one.
LEFT_OUT_RUNS = {
    "test-download-model": "downloads a model; ours take its place",
    "test-generate-models": "architectures.cpp does it, in each test that needs the models",
    "test-jinja-py": "checks Python's Jinja2, and nothing of llama.cpp",
    "test-tokenizers-ggml-vocabs": _HUGGING_FACE,
}

def table_text():
    """Returns the table as lines of JSON, for the tests and the report."""
    return json.encode_indent({
        "left_out_runs": LEFT_OUT_RUNS,
        "tests": {
            file: {"left_out": test.left_out} if test.left_out else {
                "links": test.links,
                "needs": test.needs,
                "per_variant": test.per_variant,
                "runs": {
                    name: {"args": run.args, "env": run.env, "push": run.push}
                    for name, run in test.runs.items()
                },
            }
            for file, test in UPSTREAM_TESTS.items()
        },
    }, indent = "  ").split("\n") + [""]
