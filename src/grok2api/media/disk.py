"""The cache's files on disk: written whole or not at all, read at any place, removed under the feet of readers.

Everything here blocks and is called in a thread. A file that is open stays readable when it is removed.
"""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

#: A file that was not finished in this time never will be.
_STALE_SEC = 3600.0


class Incoming:
    """A file being written, under a name that nobody looks for.

    A thread that still writes when the file is given up gets an error, and never another file that was opened since.
    """

    def __init__(self, folder: Path) -> None:
        fd, name = tempfile.mkstemp(dir=folder)
        self._fd: int | None = fd
        self._path = Path(name)
        self._lock = threading.Lock()

    def write(self, pieces: Iterable[bytes]) -> None:
        """Add bytes at the end."""
        with self._lock:
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[os.write(self._open(), view) :]

    def finish(self, path: Path) -> None:
        """Give the file its name, once its bytes are safe. Who reads one that had the name goes on reading that."""
        with self._lock:
            os.fsync(self._open())
            self._close()
            self._path.replace(path)
        _sync(path.parent)

    def discard(self) -> None:
        """Leave no trace."""
        with self._lock:
            if self._fd is not None:
                self._close()
            self._path.unlink(missing_ok=True)

    def _open(self) -> int:
        if self._fd is None:
            raise OSError("the file was given up")
        return self._fd

    def _close(self) -> None:
        fd, self._fd = self._open(), None
        os.close(fd)


class Reading:
    """An open file. `size` and `modified` (epoch seconds) are those of its opening."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._lock = threading.Lock()
        about = os.fstat(self._fd)
        self.size = about.st_size
        self.modified = about.st_mtime

    def read(self, at: int, length: int) -> bytes:
        """Bytes from a place on; fewer than asked for at the end, none when the file was closed meanwhile."""
        with self._lock:
            return b"" if self._fd < 0 else os.pread(self._fd, length, at)

    def close(self) -> None:
        with self._lock:
            fd, self._fd = self._fd, -1
        os.close(fd)


def prepare(folders: Iterable[Path], incoming: Path, now: float) -> None:
    """Make the folders, and remove what a process that was killed did not finish."""
    for folder in (*folders, incoming):
        folder.mkdir(parents=True, exist_ok=True)
    for path in incoming.iterdir():
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > _STALE_SEC:
                path.unlink()


def read_all(path: Path) -> bytes | None:
    """A small file; `None` when it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write_all(path: Path, data: bytes, folder: Path) -> None:
    """A small file, whole or not at all; `folder` is where it is written before it has its name."""
    incoming = Incoming(folder)
    try:
        incoming.write([data])
        incoming.finish(path)
    finally:
        incoming.discard()


def remove(paths: Iterable[Path]) -> list[Path]:
    """Remove files; those that were there."""
    gone = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            gone.append(path)
    return gone


def _sync(folder: Path) -> None:
    """Make a new name in a folder safe."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
