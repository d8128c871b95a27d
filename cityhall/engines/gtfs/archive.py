"""Opening a feed's zip without trusting it: sizes are checked as the bytes come out, not as the zip declares them."""

from __future__ import annotations

import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cityhall.engines.gtfs.report import FeedError, Report

CHUNK = 1 << 20
RATIO_FROM = 64 << 20
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, ValueError),
    # What the standard library's reader lets through for some damaged directories.
    *(IndexError, KeyError, OverflowError, struct.error),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a feed may ask of this machine. Bytes are of the unzipped files."""

    file_bytes: int = 4 << 30
    total_bytes: int = 6 << 30
    ratio: int = 200
    members: int = 200
    stop_times: int = 30_000_000
    departures: int = 2_000_000
    """Trips that frequencies.txt may unfold into."""
    field_bytes: int = 64 << 10


@dataclass(slots=True)
class Archive:
    """An unzipped feed: `files` by their GTFS names. `name` is the zip's own name, for messages."""

    name: str
    files: dict[str, Path]

    def label(self, file: str) -> str:
        return f"{self.name}/{file}"


@contextmanager
def open_archive(path: Path, report: Report, limits: Limits) -> Iterator[Archive]:
    """Unzips the feed's .txt files into a temporary folder that goes away with the block.

    Raises FeedError for what is no zip, is encrypted or damaged, or is larger than `limits`.
    """
    with tempfile.TemporaryDirectory(prefix="gtfs-") as folder:
        yield Archive(path.name, _unzip(path, Path(folder), report, limits))


def _unzip(path: Path, folder: Path, report: Report, limits: Limits) -> dict[str, Path]:
    try:
        with zipfile.ZipFile(path) as bundle:
            return _extract(bundle, path.name, folder, report, limits)
    except FeedError:
        raise
    except FileNotFoundError:
        raise report.fail("no_file", path.name, "There is no such file.", "Check the path.") from None
    except BROKEN as problem:
        raise report.fail(
            "bad_zip", path.name, f"The zip cannot be read: {problem}.", "Download it again, or zip it anew."
        ) from problem
    except RuntimeError as problem:
        raise report.fail(
            "encrypted", path.name, f"The zip cannot be opened: {problem}.", "Zip it without a password."
        ) from problem


def _extract(bundle: zipfile.ZipFile, name: str, folder: Path, report: Report, limits: Limits) -> dict[str, Path]:
    members = [member for member in bundle.infolist() if not member.is_dir()]
    if len(members) > limits.members:
        raise report.fail("too_many_files", name, f"{len(members)} files are too many.", "A feed has about 30.")
    files: dict[str, Path] = {}
    total = 0
    for member in members:
        inside = PurePosixPath(member.filename.replace("\\", "/"))
        if inside.suffix != ".txt" or "__MACOSX" in inside.parts:
            continue
        if inside.name in files:
            raise report.fail("twice", name, f"{inside.name} is there twice.", "Leave one of them in the zip.")
        if len(inside.parts) > 1:
            report.add(
                "warning",
                "subfolder",
                f"{name}/{inside}",
                "The file is in a folder.",
                "Put the files at the top of the zip.",
            )
        # Our own name, never the zip's: a member called ../../x cannot leave the folder.
        target = folder / f"{len(files)}.txt"
        total += _copy(bundle, member, target, name, report, limits, limits.total_bytes - total)
        files[inside.name] = target
    return files


def _copy(
    bundle: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    target: Path,
    name: str,
    report: Report,
    limits: Limits,
    left: int,
) -> int:
    allowed = min(limits.file_bytes, left)
    written = 0
    with bundle.open(member) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            bomb = written > RATIO_FROM and written > limits.ratio * max(1, member.compress_size)
            if written > allowed or bomb:
                raise report.fail(
                    "too_large",
                    f"{name}/{member.filename}",
                    f"It unzips to more than {written // (1 << 20)} MB; that is too much"
                    + (" for its packed size." if bomb else "."),
                    "If the feed really is that large, raise the limits.",
                )
            out.write(chunk)
    return written
