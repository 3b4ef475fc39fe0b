"""Copying C headers into a repository, so that no absolute path reaches an action."""

def copy_headers(rctx, facts):
    """Copies the headers that `facts` name into the directory `include`.

    Args:
      rctx: the repository context.
      facts: a dict with `include` and `platform_include`, as ../finder/answer.py describes them;
        with `pyconfig` too if that file is to be ours for the system that it names.
    """
    _copy_folder(rctx, facts["include"], "include")
    if facts["platform_include"]:
        # Where Debian's pyconfig.h looks for it: <ARCHITECTURE/python3.X/pyconfig.h>.
        architecture, name = facts["platform_include"].split("/")[-2:]
        _copy_folder(rctx, facts["platform_include"], "include/{}/{}".format(architecture, name))

    if facts.get("pyconfig") == "windows":
        rctx.file("include/pyconfig.h", rctx.read(rctx.attr._windows_pyconfig))

def _copy_folder(rctx, source, destination):
    result = rctx.execute(
        ["sh", "-c", "mkdir -p \"$2\" && cp -RL \"$1/.\" \"$2\"", "sh", source, destination],
    )
    if result.return_code:
        fail("copying {} failed: {}".format(source, result.stderr.strip()))
