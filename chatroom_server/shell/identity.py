"""Who the server is: its key, the certificate made of it, and its two secrets, in the data folder."""

import os
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from chatroom_server.shell.tls import make_context

FOLDER: Final = "identity"
_KEY, _CERTIFICATE, _GUESTS, _INVITATION = "server.key", "server.crt", "guests.secret", "invitation.secret"
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


def replace_invitation(data: Path) -> str:
    """Draw a new secret for invitations; those that were given out open nothing any more. Blocks.

    Raises:
        OSError: It cannot be written.
    """
    path = data / FOLDER / _INVITATION
    secret = secrets.token_urlsafe(16)
    _write(path, secret.encode() + b"\n")
    return secret


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _load_key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        _write(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise IdentityError(f"{path} holds no key that can be read; put it back from a backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(f"{path} holds a key of another kind than Ed25519; put it back from a backup")
    return key


def _load_secret(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_urlsafe(16).encode() + b"\n")
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if len(text) < 16 or not text.isascii():
        raise IdentityError(f"{path} holds no secret; remove it to have a new one made")
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
