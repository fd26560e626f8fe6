"""The machine: files and their permissions, room on the disk, limits of the process, settings."""

import os
import resource
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from grok2api.banner import is_loopback
from grok2api.config.admin_key import FILE_NAME as ADMIN_KEY
from grok2api.config.load import CONFIG_NAME, Loaded
from grok2api.doctor.findings import Finding, fail, good, note, warn
from grok2api.storage.keys import FILE_NAME as SECRET_KEY
from grok2api.storage.keys import FORMER_NAME, PENDING_NAME, VARIABLE

_MIB = 1024 * 1024
_TIGHT = 512 * _MIB
_FULL = 32 * _MIB
#: Descriptors that a busy gateway wants: two for each stream, and some.
_DESCRIPTORS = 4096


def data_directory(path: Path) -> Iterator[Finding]:
    """Whether accounts and configuration can be kept there."""
    subject = "data directory"
    if not path.exists():
        yield note(subject, f"{path} does not exist yet", "the first start makes it; or choose another --data-dir")
        return
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield fail(subject, f"{path} cannot be read and written by this user", f"chown -R $(id -un) {path}")
        return
    if path.stat().st_mode & (stat.S_IWOTH | stat.S_IROTH):
        yield warn(subject, f"{path} is open to every user of this machine", f"chmod 700 {path}")
    else:
        yield good(subject, f"{path} is writable")
    yield _room(path)


def _room(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    seen = f"{free // _MIB:,} MiB free at {path}"
    if free < _FULL:
        return fail("disk", seen, "make room: the store cannot be written when the disk is full")
    if free < _TIGHT:
        return warn("disk", seen, "make room before the store cannot grow any more")
    return good("disk", seen)


def secret_files(data_dir: Path, config: Path | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether files that hold secrets are readable by their owner only."""
    named = {"admin key": data_dir / ADMIN_KEY, "configuration file": config or data_dir / CONFIG_NAME}
    if not environ.get(VARIABLE):
        named["store key"] = data_dir / SECRET_KEY
    named |= {f"store key {name}": data_dir / name for name in (PENDING_NAME, FORMER_NAME)}
    for subject, path in named.items():
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            yield fail(subject, f"{path} cannot be looked at: {error.strerror}", "mend its owner and permissions")
            continue
        if not os.access(path, os.R_OK):
            yield fail(subject, f"{path} cannot be read by this user", f"chown $(id -un) {path}")
        elif mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield warn(subject, f"{path} can be read by other users of this machine", f"chmod 600 {path}")
        else:
            yield good(subject, f"{path} is for its owner only")


def configuration(found: Loaded) -> Iterator[Finding]:
    """What the settings say that has no effect, or that other people could use."""
    given = sum(origin not in ("default", "derived") for origin in found.origins.values())
    yield good("configuration", f"{given} settings are given, all are valid")
    for warning in found.warnings:
        yield note("configuration", warning, "nothing to do; it is for another version")
    settings = found.settings
    if not settings.app.api_key and not is_loopback(settings.server.host):
        yield warn(
            "client keys",
            f"app.api_key is empty and {settings.server.host} is not loopback: who can connect can use the accounts",
            "grok2api config set app.api_key KEY, or serve with --host 127.0.0.1",
        )


def descriptors() -> Finding:
    """How many connections this user may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen = f"{soft} open files are allowed"
    if soft < _DESCRIPTORS:
        return warn("open files", seen, f"ulimit -n {min(hard, 65536) if hard > soft else 65536} before the start")
    return good("open files", seen)
