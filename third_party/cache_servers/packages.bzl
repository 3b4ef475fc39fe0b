"""Repositories of the servers' packages; the lock files beside this one have the versions."""

_LEFT_OUT = [
    "etc",
    "usr/lib/*/gconv",
    "usr/share",
    "var",
]

CACHE_SERVER_PACKAGES = {
    name: dict(
        build_file = Label("//third_party/cache_servers:packages.BUILD"),
        leave_out = _LEFT_OUT,
        lock = Label("//third_party/cache_servers:{}.lock.json".format(name)),
    )
    for name in ["buildbox", "nginx"]
}
