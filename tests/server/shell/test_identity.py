"""The server's key, its certificate, and its secrets."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatroom.protocol.auth import is_signed
from chatroom_server.shell.identity import FOLDER, IdentityError, load_identity, replace_invitation


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
