"""Who the server is: its key, the certificate made of it, and its two secrets, in the data folder."""

import os
import secrets
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from chatroom.common.texts import Texts
from chatroom_server.history.findings import Finding, Report
from chatroom_server.shell.tls import make_context

FOLDER: Final = "identity"
_KEY, _CERTIFICATE, _GUESTS, _INVITATION = "server.key", "server.crt", "guests.secret", "invitation.secret"
_SECRET_BYTES: Final = 16
_SECRET_CHARS: Final = 22
"""As many as so many bytes have in Base64."""
_VALID: Final = timedelta(days=3650)
_RENEW: Final = timedelta(days=30)


class IdentityError(Exception):
    """The server's key or secrets cannot be used; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The server's keys.

    Attributes:
        public_key: 32 bytes, Ed25519 (RFC 8032).
        sign: Signs with the private half.
        tls: Speaks TLS 1.3 with a certificate of the same key.
        guest_secret: Makes guests' ids.
        invitation_secret: Text; part of every invitation.
    """

    public_key: bytes
    sign: Callable[[bytes], bytes]
    tls: ssl.SSLContext
    guest_secret: bytes
    invitation_secret: str


def load_identity(data: Path, *, now: datetime | None = None) -> Identity:
    """Read the server's identity; what is missing is made. Blocks.

    Raises:
        IdentityError: A file cannot be read or written, or holds something else.
    """
    folder = data / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        key = _load_key(folder / _KEY)
        certificate = folder / _CERTIFICATE
        if not _is_valid(certificate, key, now or datetime.now(UTC)):
            _write(certificate, _make_certificate(key, now or datetime.now(UTC)))
        return Identity(
            public_key=_public(key),
            sign=key.sign,
            tls=make_context(certificate, folder / _KEY),
            guest_secret=_load_secret(folder / _GUESTS).encode(),
            invitation_secret=_load_secret(folder / _INVITATION),
        )
    except OSError as error:
        raise IdentityError(f"{error.filename or folder}: {error.strerror}") from error


def check_identity(data: Path, has_past: bool = True) -> Iterator[Report]:
    """Say what is wrong with the identity in a folder; nothing is changed. Blocks.

    Args:
        has_past: Somebody has been on this server: what is missing is missed.
    """
    key = None
    for name, read in ((_KEY, _parse_key), (_GUESTS, _parse_secret), (_INVITATION, _parse_secret)):
        path = f"{FOLDER}/{name}"
        try:
            found = read((data / path).read_bytes())
        except FileNotFoundError:
            if has_past:
                yield Report(Finding.KEY_MISSING if name == _KEY else Finding.SECRET_MISSING, path)
        except OSError as error:
            yield Report(Finding.UNREADABLE, path, args={"reason": error.strerror or str(error)})
        except ValueError:
            yield Report(Finding.IDENTITY_UNUSABLE, path)
        else:
            key = found if isinstance(found, Ed25519PrivateKey) else key
    if key is not None:
        yield from _check_certificate(data, key)


def _check_certificate(data: Path, key: Ed25519PrivateKey) -> Iterator[Report]:
    path = f"{FOLDER}/{_CERTIFICATE}"
    try:
        certificate = x509.load_pem_x509_certificate((data / path).read_bytes())
        fits = certificate.public_key() == key.public_key()
    except (FileNotFoundError, ValueError, UnsupportedAlgorithm):
        yield Report(Finding.CERTIFICATE_UNUSABLE, path)
    except OSError as error:
        yield Report(Finding.UNREADABLE, path, args={"reason": error.strerror or str(error)})
    else:
        if not fits:
            yield Report(Finding.CERTIFICATE_UNLIKE_KEY, path)


def what_was_lost(data: Path, reports: Iterable[Report], texts: Texts) -> list[str]:
    """Sentences for the operator of a server that has begun with what was made anew."""
    sentences = {
        Finding.KEY_MISSING: texts._(
            "{path} was missing, and this server has a new key now: clients that know the old one refuse it "
            "as another server, and invitations that were given out open nothing; if that is not wanted, "
            "stop it and put identity/ back from a backup"
        ),
        Finding.CERTIFICATE_UNLIKE_KEY: texts._(
            "{path} belonged to another key than server.key holds: clients that know that other key refuse "
            "this server; if that is not wanted, stop it and put identity/ back from a backup"
        ),
        Finding.SECRET_MISSING: texts._(
            "{path} was missing and was drawn anew: invitations that were given out (invitation.secret) or "
            "guests who come back (guests.secret) are not known any more; if that is not wanted, stop the "
            "server and put the file back from a backup"
        ),
    }
    found = [report for report in reports if report.kind in sentences]
    if any(report.kind is Finding.KEY_MISSING for report in found):
        found = [report for report in found if report.kind is Finding.KEY_MISSING]  # the rest went with it
    return [sentences[report.kind].format(path=data / report.path) for report in found]


def replace_invitation(data: Path) -> str:
    """Draw a new secret for invitations; those that were given out open nothing any more. Blocks.

    Raises:
        OSError: It cannot be written.
    """
    path = data / FOLDER / _INVITATION
    drawn = _draw_secret()
    _write(path, drawn)
    return _parse_secret(drawn)


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _load_key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        _write(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made
    try:
        return _parse_key(path.read_bytes())
    except ValueError as error:
        raise IdentityError(f"{path} holds {error}; put it back from a backup") from error


def _parse_key(content: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it wants a password
        raise ValueError("no key that can be read") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("a key of another kind than Ed25519")
    return key


def _load_secret(path: Path) -> str:
    if not path.exists():
        _write(path, _draw_secret())
    try:
        return _parse_secret(path.read_bytes())
    except ValueError as error:
        sentence = f"{path} holds no secret; put it back from a backup, or remove it to have a new one made"
        raise IdentityError(sentence) from error


def _draw_secret() -> bytes:
    return secrets.token_urlsafe(_SECRET_BYTES).encode() + b"\n"


def _parse_secret(content: bytes) -> str:
    text = content.decode("ascii").strip()
    if len(text) < _SECRET_CHARS:
        raise ValueError("it was cut")
    return text


def _is_valid(path: Path, key: Ed25519PrivateKey, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    if certificate.not_valid_after_utc - now < _RENEW:
        return False
    return certificate.public_key() == key.public_key()


def _make_certificate(key: Ed25519PrivateKey, now: datetime) -> bytes:
    """A self-signed certificate: clients know it by its key, never by its name or dates."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chatroom")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("chatroom")]), critical=False)
        .sign(key, None)
    )
    return certificate.public_bytes(Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    """Put a private file in place at one instant, durably."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
