"""Who is who: what both ends sign, and the names that are made of keys. Ed25519 is RFC 8032.

Signing needs a private key and so happens elsewhere; here stand the bytes to sign, and the checks.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from chatroom.protocol.ids import DeviceId, UserId
from chatroom.protocol.limits import PROTOCOL_NAME

_USER_ID_LENGTH: Final = 16
_PIN_LENGTH: Final = 32


def _joined(*parts: bytes) -> bytes:
    """Parts with their lengths in front, so that no two lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def server_transcript(version: int, client_nonce: bytes, server_nonce: bytes) -> bytes:
    """What the server signs in its hello."""
    label = f"{PROTOCOL_NAME} server {version}".encode()
    return _joined(label, client_nonce, server_nonce)


def login_transcript(
    version: int,
    client_nonce: bytes,
    server_nonce: bytes,
    server_key: bytes,
    nick: str,
    devices: Sequence[DeviceId],
) -> bytes:
    """What the client signs in its login.

    Args:
        server_key: The server's key as the client sees it: under TLS the one in the certificate. A login
            that was relayed by another server is signed for that one, and so is worth nothing here.
    """
    label = f"{PROTOCOL_NAME} login {version}".encode()
    names = (device.encode() for device in devices)
    return _joined(label, client_nonce, server_nonce, server_key, nick.encode(), *names)


def is_signed(public_key: bytes, signature: bytes, transcript: bytes) -> bool:
    """Whether the signature over the transcript was made with the private half of the key."""
    from cryptography.exceptions import InvalidSignature  # only here: a client's first frame needs no keys
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, transcript)
    except (InvalidSignature, ValueError):
        return False
    return True


def invitation_proof(secret: bytes, client_nonce: bytes, server_nonce: bytes, key: bytes) -> bytes:
    """What shows that one holds an invitation's secret, without saying it (HMAC-SHA256, RFC 2104)."""
    return hmac.digest(secret, _joined(b"invitation", client_nonce, server_nonce, key), "sha256")


def is_invited(proof: bytes, secret: bytes, client_nonce: bytes, server_nonce: bytes, key: bytes) -> bool:
    """Whether the proof was made with the secret; takes the same time either way."""
    return hmac.compare_digest(proof, invitation_proof(secret, client_nonce, server_nonce, key))


def _base32(digest: bytes) -> str:
    return base64.b32encode(digest).decode().lower().rstrip("=")


def user_id(public_key: bytes) -> UserId:
    """The id of the user who owns a key: 16 characters of base32(SHA-256(key))."""
    return UserId(_base32(hashlib.sha256(public_key).digest())[:_USER_ID_LENGTH])


def guest_id(secret: bytes, host: str, port: int, nick: str) -> UserId:
    """The id of a guest: HMAC-SHA256 of IP, port and nick under the server's secret."""
    digest = hmac.digest(secret, f"{host}:{port}:{nick}".encode(), "sha256")
    return UserId(_base32(digest)[:_USER_ID_LENGTH])


def pin(public_key: bytes) -> str:
    """The hash of a server's key by which clients know it again: 32 characters of base32, 160 bits."""
    return _base32(hashlib.sha256(public_key).digest())[:_PIN_LENGTH]


def fingerprint(public_key: bytes) -> str:
    """A server's key for people to compare: `7d4f a84b f731 768b`."""
    digits = hashlib.sha256(public_key).hexdigest()[:16]
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def direct_room(one: UserId, other: UserId) -> str:
    """The id of the conversation of two users, whoever opens it; `=` begins no other room's id."""
    digest = hashlib.sha256(_joined(*(user.encode() for user in sorted((one, other))))).digest()
    return "=" + _base32(digest)[:_USER_ID_LENGTH]
