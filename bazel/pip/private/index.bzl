"""Search for a pinned file in the user's pip index, for the repository rules of //bazel/pip."""

# Settings that decide which index is asked; a change refetches.
PIP_ENVIRONMENT = [
    "PATH",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
]

# To be added to the attributes of a rule that calls look_up.
FIND_FILE_ATTRS = {
    "_find_file": attr.label(
        default = Label("//bazel/pip:find_file.py"),
    ),
}

_NO_DOWNLOAD = "{file} could not be downloaded with the pinned sha256 {sha256}"

_OTHER_BYTES = (
    "{file} was found in the index of your pip settings but could not be downloaded with the " +
    "pinned sha256 {sha256}: the index serves other bytes, or the connection broke. Run the same " +
    "command again; if it fails again, compare with `pip download --no-deps {package}`."
)

def look_up(rctx, package, file, sha256):
    """Finds the addresses of a pinned file.

    Args:
      rctx: the repository context.
      package: name of the package.
      file: file name as the index lists it; or an address, for a file that no index has.
      sha256: SHA-256 of the file.

    Returns:
      (addresses, reason). If the index has no such file, `reason` is one sentence and the address
      serves nothing: the repository cache may still have the pinned bytes, so the download is tried
      anyway.
    """
    if "://" in file:
        return [file], _NO_DOWNLOAD.format(file = file, sha256 = sha256)
    python = rctx.which("python3")
    if not python:
        reason = "no python3 on PATH; install Python 3.9 or newer, or add it to PATH"
    else:
        result = rctx.execute(
            [python, "-E", rctx.path(rctx.attr._find_file), package, file, sha256],
            timeout = 180,
        )
        if not result.return_code:
            return json.decode(result.stdout)["urls"], ""
        timed_out = "looking up {} took longer than three minutes".format(file)
        reason = result.stderr.strip() or timed_out
    return ["file:///not-found-in-any-index/" + file], reason

def require_download(result, reason, package, file, sha256):
    """Fails with one clear sentence unless the download succeeded.

    Args:
      result: return value of rctx.download or rctx.download_and_extract.
      reason: the reason that look_up gave.
      package: as for look_up.
      file: as for look_up.
      sha256: as for look_up.
    """
    if not result.success:
        fail("pip: " + (reason or _OTHER_BYTES.format(
            file = file,
            package = package,
            sha256 = sha256,
        )))
