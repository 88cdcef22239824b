"""The server's key, its certificate, and its secrets."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatroom.protocol.auth import is_signed
from chatroom_server.history.findings import Finding
from chatroom_server.shell.identity import (
    FOLDER,
    IdentityError,
    check_identity,
    load_identity,
    replace_invitation,
)


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    made, found = load_identity(tmp_path), load_identity(tmp_path)
    assert made.public_key == found.public_key
    assert made.guest_secret == found.guest_secret
    assert made.invitation_secret == found.invitation_secret
    assert is_signed(found.public_key, made.sign(b"words"), b"words")
    for path in (tmp_path / FOLDER).iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_certificate_that_runs_out_is_renewed_with_the_same_key(tmp_path: Path) -> None:
    load_identity(tmp_path)
    path = tmp_path / FOLDER / "server.crt"
    before = x509.load_pem_x509_certificate(path.read_bytes())
    load_identity(tmp_path, now=datetime.now(UTC) + timedelta(days=3640))
    after = x509.load_pem_x509_certificate(path.read_bytes())
    assert after.not_valid_after_utc > before.not_valid_after_utc
    assert after.public_key() == before.public_key()


def test_a_lost_certificate_is_made_anew(tmp_path: Path) -> None:
    key = load_identity(tmp_path).public_key
    (tmp_path / FOLDER / "server.crt").write_text("nonsense", encoding="ascii")
    assert load_identity(tmp_path).public_key == key


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    load_identity(tmp_path)
    path = tmp_path / FOLDER / "server.key"
    path.write_text("nonsense", encoding="ascii")
    with pytest.raises(IdentityError, match=r"server\.key.*backup"):
        load_identity(tmp_path)


def test_a_key_of_another_kind_is_named(tmp_path: Path) -> None:
    load_identity(tmp_path)
    other = generate_private_key(65537, 2048)
    path = tmp_path / FOLDER / "server.key"
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(IdentityError, match="Ed25519"):
        load_identity(tmp_path)


def test_an_empty_secret_is_named(tmp_path: Path) -> None:
    load_identity(tmp_path)
    (tmp_path / FOLDER / "invitation.secret").write_text("\n", encoding="ascii")
    with pytest.raises(IdentityError, match=r"invitation\.secret.*remove it"):
        load_identity(tmp_path)


def test_a_new_invitation_replaces_the_old_one(tmp_path: Path) -> None:
    old = load_identity(tmp_path).invitation_secret
    new = replace_invitation(tmp_path)
    assert new != old
    assert load_identity(tmp_path).invitation_secret == new


# --- checking --------------------------------------------------------------------------------
def found(data: Path, *, has_past: bool = True) -> list[tuple[Finding, str]]:
    return [(report.kind, report.path) for report in check_identity(data, has_past)]


SECRETS = ["guests.secret", "invitation.secret"]


def test_what_was_made_is_sound(tmp_path: Path) -> None:
    load_identity(tmp_path)
    assert found(tmp_path) == []
    replace_invitation(tmp_path)
    assert found(tmp_path) == []


@pytest.mark.parametrize("name", ["server.key", *SECRETS])
@pytest.mark.parametrize("size", [0, 10, 21])
def test_what_was_cut_is_found_and_refused(name: str, size: int, tmp_path: Path) -> None:
    load_identity(tmp_path)
    path = tmp_path / FOLDER / name
    path.write_bytes(path.read_bytes()[:size])
    assert found(tmp_path) == [(Finding.IDENTITY_UNUSABLE, f"identity/{name}")]
    with pytest.raises(IdentityError, match=f"{name}.*backup"):
        load_identity(tmp_path)


@pytest.mark.parametrize("name", ["server.key", *SECRETS])
def test_what_is_no_text_is_found_and_refused(name: str, tmp_path: Path) -> None:
    load_identity(tmp_path)
    (tmp_path / FOLDER / name).write_bytes(b"\xff" * 100)
    assert found(tmp_path) == [(Finding.IDENTITY_UNUSABLE, f"identity/{name}")]
    with pytest.raises(IdentityError, match=name):
        load_identity(tmp_path)


def test_what_is_missing_is_missed_only_where_somebody_was(tmp_path: Path) -> None:
    missing = [(Finding.KEY_MISSING, "identity/server.key")]
    missing += [(Finding.SECRET_MISSING, f"identity/{name}") for name in SECRETS]
    assert found(tmp_path) == missing
    assert found(tmp_path, has_past=False) == []


def test_a_certificate_of_another_key_is_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        load_identity(tmp_path / name)
    certificate = tmp_path / "one" / FOLDER / "server.crt"
    certificate.write_bytes((tmp_path / "two" / FOLDER / "server.crt").read_bytes())
    assert found(tmp_path / "one") == [(Finding.CERTIFICATE_UNLIKE_KEY, "identity/server.crt")]
    for content in (b"", b"nonsense"):
        certificate.write_bytes(content)
        (report,) = check_identity(tmp_path / "one")
        assert (report.kind, report.is_damage) == (Finding.CERTIFICATE_UNUSABLE, False)


def test_what_the_disk_does_not_give_is_found(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file", encoding="ascii")
    assert {kind for kind, _path in found(tmp_path)} == {Finding.UNREADABLE}
