"""A city that keeps another's anchors: only what that city signed, and nothing that contradicts what is kept."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from cityhall import cli
from cityhall.kernel.journal.anchors import KEPT, Anchor, AnchorError, keep_for, own_fingerprint, read

pytestmark = pytest.mark.attack
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def anchor(
    position: int, day: int, digest: str = "ab", city: str = "porto-alegre", key: Ed25519PrivateKey = KEY
) -> Anchor:
    plain = Anchor(
        city=city,
        made=f"2026-11-{day:02}T01:47:00+00:00",
        position=position,
        hash=digest * 32,
        streams={},
        key=key.public_key().public_bytes_raw().hex(),
    )
    return plain.model_copy(update={"signature": key.sign(plain.signed()).hex()})


def test_what_cannot_be_beside_what_is_kept_is_refused(tmp_path: Path) -> None:
    for one in (anchor(10, 1), anchor(20, 2), anchor(20, 2), anchor(20, 3)):
        keep_for(one, tmp_path)
    assert len(list((tmp_path / KEPT / "porto-alegre").iterdir())) == 3
    other = Ed25519PrivateKey.generate()
    for wrong in (anchor(5, 4), anchor(20, 4, "cd"), anchor(30, 1, "cd"), anchor(40, 5, key=other)):
        with pytest.raises(AnchorError):
            keep_for(wrong, tmp_path)
    with pytest.raises(AnchorError, match="short name"):
        keep_for(anchor(1, 1, city="../../etc"), tmp_path)


def test_it_is_given_back_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall.commands.journal.opened", lambda data, city: nullcontext(tmp_path))
    given = tmp_path / "given.json"
    given.write_bytes(anchor(10, 1).text())
    fingerprint = own_fingerprint(KEY)
    command = ["journal", "keep", str(given), "--json", "--fingerprint"]
    wrong = CliRunner().invoke(cli.app, [*command, "00" * 32])
    assert wrong.exit_code == 1 and not (tmp_path / KEPT).exists()
    done = CliRunner().invoke(cli.app, [*command, fingerprint.upper()])
    assert done.exit_code == 0, done.output
    kept = Path(json.loads(done.stdout.splitlines()[-1])["file"])
    assert read(kept.read_bytes(), "porto-alegre", fingerprint) == anchor(10, 1)
    assert kept.stat().st_mode & 0o077 == 0
