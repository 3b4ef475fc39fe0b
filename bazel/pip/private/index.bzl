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

_TIMEOUT_SECONDS = 180

_NO_DOWNLOAD = "{file} could not be downloaded with the pinned sha256 {sha256}"

_OTHER_BYTES = (
    "{file} was found in the index of your pip settings but could not be downloaded with the " +
    "pinned sha256 {sha256}: the index serves other bytes, or the connection broke. Run the same " +
    "command again; if it fails again, compare with `pip download --no-deps {package}`."
)

def look_up_all(rctx, pins):
    """Finds the addresses of pinned files.

    Args:
      rctx: the repository context.
      pins: file -> (package, sha256); the names and values as for `look_up`.

    Returns:
      File -> struct of `urls` and `reason`, as `look_up` returns them, and `differs`: whether the
      index lists the file with another SHA-256.
    """
    addressed = {
        file: struct(
            differs = False,
            reason = _NO_DOWNLOAD.format(file = file, sha256 = sha256),
            urls = [file],
        )
        for file, (_, sha256) in pins.items()
        if "://" in file
    }
    wanted = {file: pin for file, pin in pins.items() if file not in addressed}
    answer = _find(rctx, wanted) if wanted else {}
    return addressed | {
        file: struct(
            differs = file in answer["differ"],
            reason = answer["reasons"].get(file, ""),
            urls = answer["urls"].get(file) or ["file:///not-found-in-any-index/" + file],
        )
        for file in wanted
    }

def _find(rctx, pins):
    """Returns the answer of find_file.py."""
    python = rctx.which("python3")
    if not python:
        return _nothing(pins, "no python3 on PATH; install Python 3.9 or newer, or add it to PATH")
    result = _run(rctx, python, [], pins)
    if result.return_code:
        timed_out = "looking up {} took longer than {} seconds".format(
            ", ".join(pins),
            _TIMEOUT_SECONDS,
        )
        return _nothing(pins, result.stderr.strip() or timed_out)
    return json.decode(result.stdout)

def _run(rctx, python, options, pins):
    words = [word for file, (package, sha256) in pins.items() for word in [package, file, sha256]]
    return rctx.execute(
        [python, "-E", rctx.path(rctx.attr._find_file)] + options + words,
        timeout = _TIMEOUT_SECONDS,
    )

def _nothing(pins, reason):
    return {"differ": [], "reasons": {file: reason for file in pins}, "urls": {}}

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
    found = look_up_all(rctx, {file: (package, sha256)})[file]
    return found.urls, found.reason

def find_other_bytes(rctx, pins, found):
    """Finds those of the files that can't be had that the index has with other bytes.

    Args:
      rctx: the repository context.
      pins: as for `look_up_all`, of the files whose download failed.
      found: return value of `look_up_all`.

    Returns:
      File -> sentence.
    """
    listed = {file: found[file].reason for file in pins if found[file].differs}
    unread = {file: pin for file, pin in pins.items() if not found[file].reason}
    if not unread:
        return listed
    result = _run(rctx, rctx.which("python3"), ["--served"], unread)
    return listed | ({} if result.return_code else json.decode(result.stdout))

def no_download(reason, package, file, sha256):
    """Returns the sentence for a download that failed.

    Args:
      reason: the reason that look_up gave.
      package: as for look_up.
      file: as for look_up.
      sha256: as for look_up.
    """
    return reason or _OTHER_BYTES.format(file = file, package = package, sha256 = sha256)

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
        fail("pip: " + no_download(reason, package, file, sha256))
