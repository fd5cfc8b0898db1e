"""Downloads a file: goes on where an earlier try broke off, tries again what may pass, and keeps only what is whole."""

from __future__ import annotations

import codecs
import email.utils
import errno
import fcntl
import http.client
import os
import random
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20
#: Seconds without a single byte before a connection is given up.
TIMEOUT = 30.0
#: Tries of one address in a row that bring nothing new, and seconds to wait after the first; doubled after each.
TRIES, WAIT = 5, 1.0
LONGEST_WAIT = 60.0
#: Answers of a server that may be others in a while.
PASSING = (408, 425, 429, 500, 502, 503, 504)
PART = ".part"


class NotDownloaded(Exception):
    """Why an address did not give the file, as one clause.

    Attributes:
        passing: may the next try succeed?
        after: seconds that the server asks to wait.
    """

    def __init__(self, reason: str, passing: bool = False, after: float = 0.0) -> None:
        super().__init__(reason)
        self.passing, self.after = passing, after


def download(urls: Sequence[str], path: Path, problem: Callable[[Path], str], timeout: float = TIMEOUT) -> None:
    """Get the file from the first of its addresses that gives it, under a name of its own until it is whole.

    What has come of it stays beside ``path`` as ``.<name>.part`` when a connection breaks off or the process is killed,
    and the next try goes on there, at whichever address. Another process that gets the same file is waited for.

    Args:
        urls: in the order in which they are tried.
        path: gets the file when it is whole and verified.
        problem: what is wrong with a file as one clause, or ``""``.
        timeout: seconds a connection may stall.

    Raises:
        NotDownloaded: no address gave the file; why each did not, as clauses joined by ``;``.
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(part, path, problem) as file:
            if file is not None:
                _from_any(urls, path, file, part, problem, timeout)
                part.chmod(0o644)
                part.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            part.unlink(missing_ok=True)  # half a file must not fill the disk
        raise


@contextmanager
def _alone(part: Path, path: Path, problem: Callable[[Path], str]) -> Iterator[IO[bytes] | None]:
    """The part, open at its end, for one process at a time; None if another one has made the whole file meanwhile."""
    while True:
        with part.open("ab") as file:
            try:
                _lock(file, path)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP):  # a file system without locks
                    raise
            if part.exists() and os.path.samestat(part.stat(), os.fstat(file.fileno())):
                made = path.is_file() and not problem(path)
                try:
                    yield None if made else file
                finally:
                    file.flush()
                    if part.exists() and (made or part.stat().st_size == 0):
                        part.unlink()
                return


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{path.name}: another process is getting it; waiting", file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_EX)


def _from_any(
    urls: Sequence[str], path: Path, file: IO[bytes], part: Path, problem: Callable[[Path], str], timeout: float
) -> None:
    failures = []
    for url in urls:
        try:
            of_pieces = _from_one(url, path, file, timeout)
            found = problem(part)
            if found and of_pieces:
                # They may have been pieces of different files.
                _empty(file)
                _from_one(url, path, file, timeout)
                found = problem(part)
            if not found:
                return
            _empty(file)
            failures.append(f"{url} served a file that {found}")
        except NotDownloaded as failure:
            failures.append(f"{url} {failure}")
    kept = file.seek(0, os.SEEK_END)
    note = f"; the {_size(kept)} that came are kept, and the next try goes on there" if kept else ""
    raise NotDownloaded("; ".join(failures) + note)


def _from_one(url: str, path: Path, file: IO[bytes], timeout: float) -> bool:
    """Fill the file up from one address, as often as that brings something new, and a few times beyond.

    Returns:
        Is the file put together of several connections' pieces?

    Raises:
        NotDownloaded: the file is still not whole.
    """
    tries = 0
    while True:
        before = file.seek(0, os.SEEK_END)
        try:
            return _fetch(url, path, file, timeout)
        except NotDownloaded as failure:
            tries = 1 if file.seek(0, os.SEEK_END) >= before + CHUNK else tries + 1
            if not failure.passing or tries >= TRIES:
                raise
            # At random, so that many who were cut off together do not come back together.
            wait = max(failure.after, WAIT * 2 ** (tries - 1) * random.uniform(0.5, 1.5))
            print(f"{url} {failure}; trying again in {wait:.0f} s", file=sys.stderr)
            time.sleep(min(wait, LONGEST_WAIT))


def _fetch(url: str, path: Path, file: IO[bytes], timeout: float) -> bool:
    """One connection: append what is missing, or all if the server gives no parts; was there something before?"""
    have = file.seek(0, os.SEEK_END)
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers={"User-Agent": "multibeta", "Accept-Encoding": "identity", **headers})
    try:
        answer = _network(lambda: urllib.request.urlopen(request, timeout=timeout), timeout)
    except NotDownloaded as failure:
        if have and isinstance(failure.__cause__, urllib.error.HTTPError) and failure.__cause__.code == 416:
            return True  # nothing is missing, or too much is there: its hash will tell
        raise
    with answer:
        replaced = 0 if answer.status == http.client.PARTIAL_CONTENT else have
        have -= replaced
        left: int | None = getattr(answer, "length", None)  # None also where Content-Length is no number
        total = None if left is None else have + left
        _require_space(path, (left or 0) - replaced)
        received = 0
        with _progress(url, path.name, have, total) as tell:
            while chunk := _network(lambda: answer.read1(CHUNK), timeout, have + received):
                if have + received == 0:
                    _require_no_page(chunk, answer.headers.get_content_type())
                    _empty(file)  # of an earlier try, now that this one is seen to give the file
                file.write(chunk)
                received += len(chunk)
                tell(len(chunk))
    file.flush()
    if left is not None and received != left:
        raise NotDownloaded(f"broke off after {have + received} of {total} bytes", passing=True)
    return have > 0


def _network(action: Callable[[], Any], timeout: float, received: int = 0) -> Any:
    """Network trouble is an OSError too; it is told apart from trouble with the disk here."""
    try:
        return action()
    except urllib.error.HTTPError as error:
        after = _seconds(error.headers.get("Retry-After"))
        raise NotDownloaded(f"answered {error.code} {_in_line(error.reason)}", error.code in PASSING, after) from error
    except TimeoutError:
        raise NotDownloaded(f"stalled for {timeout:g} seconds after {received} bytes", passing=True) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise NotDownloaded(f"did not answer within {timeout:g} seconds", passing=True) from None
        # Without a network, and where nobody listens, the next second is like this one.
        lasting = isinstance(reason, socket.gaierror | ConnectionRefusedError) or (
            isinstance(reason, OSError) and reason.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH)
        )
        raise NotDownloaded(f"could not be downloaded ({_in_line(reason)})", passing=not lasting) from None
    except ValueError as error:  # an address that is none, to which a server may point
        raise NotDownloaded(f"could not be downloaded ({_in_line(error)})") from None


def _in_line(reason: object) -> str:
    """What a server may have had a say in, as a short line."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(reason))
    return " ".join(text.split())[:200] or type(reason).__name__


def _seconds(after: str | None) -> float:
    """What Retry-After asks for: seconds, or a date."""
    if after is None:
        return 0.0
    if after.strip().isdecimal():
        return float(after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return 0.0


def _require_no_page(start: bytes, kind: str) -> None:
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if kind == "text/html" or text[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise NotDownloaded("served a web page (HTML) in place of the file")


def _require_space(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{_size(needed)} are needed, {_size(free)} are free")


def _empty(file: IO[bytes]) -> None:
    file.flush()
    file.truncate(0)


@contextmanager
def _progress(url: str, name: str, have: int, total: int | None) -> Iterator[Callable[[int], Any]]:
    """A bar on a terminal, a line elsewhere."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        size = "" if total is None else f", {_size(total)}" + (f", from {_size(have)} on" if have else "")
        print(f"{name}{size}, from {url}", file=sys.stderr)
        yield lambda count: None
        return
    with tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=name, file=sys.stderr) as bar:
        yield bar.update


def _size(count: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"
