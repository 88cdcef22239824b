"""Keys, what they sign, and the names made of them."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.protocol import auth
from chatroom.protocol.ids import DeviceId, UserId

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
ONE, TWO, SERVER = b"1" * 32, b"2" * 32, b"s" * 32
TRANSCRIPT = auth.login_transcript(1, ONE, TWO, SERVER, "it4", [DeviceId("a1")])


def test_ids_of_a_key_are_fixed_for_ever() -> None:
    assert auth.user_id(PUBLIC) == "kzdvvj2umnduyauf"
    assert auth.pin(PUBLIC).startswith(auth.user_id(PUBLIC))
    assert len(auth.pin(PUBLIC)) == 32
    assert auth.fingerprint(PUBLIC) == "5647 5aa7 5463 474c"


def test_a_signature_holds_for_its_transcript_alone() -> None:
    signature = KEY.sign(TRANSCRIPT)
    assert auth.is_signed(PUBLIC, signature, TRANSCRIPT)
    assert not auth.is_signed(PUBLIC, signature, TRANSCRIPT + b"x")
    assert not auth.is_signed(PUBLIC, signature[:-1], TRANSCRIPT)
    assert not auth.is_signed(b"short", signature, TRANSCRIPT)


@pytest.mark.parametrize(
    "other",
    [
        auth.login_transcript(2, ONE, TWO, SERVER, "it4", [DeviceId("a1")]),
        auth.login_transcript(1, TWO, TWO, SERVER, "it4", [DeviceId("a1")]),
        auth.login_transcript(1, ONE, ONE, SERVER, "it4", [DeviceId("a1")]),
        auth.login_transcript(1, ONE, TWO, b"t" * 32, "it4", [DeviceId("a1")]),
        auth.login_transcript(1, ONE, TWO, SERVER, "it5", [DeviceId("a1")]),
        auth.login_transcript(1, ONE, TWO, SERVER, "it", [DeviceId("4a1")]),
        auth.login_transcript(1, ONE, TWO, SERVER, "it4", []),
        auth.server_transcript(1, ONE, TWO),
    ],
)
def test_a_login_covers_everything_that_makes_it_this_login(other: bytes) -> None:
    assert other != TRANSCRIPT


def test_an_invitation_is_shown_without_being_said() -> None:
    proof = auth.invitation_proof(b"secret", ONE, TWO, PUBLIC)
    assert b"secret" not in proof
    assert auth.is_invited(proof, b"secret", ONE, TWO, PUBLIC)
    assert not auth.is_invited(proof, b"other", ONE, TWO, PUBLIC)
    assert not auth.is_invited(proof, b"secret", TWO, TWO, PUBLIC)
    assert not auth.is_invited(b"", b"secret", ONE, TWO, PUBLIC)


def test_a_direct_room_is_the_same_whoever_opens_it() -> None:
    one, two, three = UserId("a"), UserId("b"), UserId("c")
    assert auth.direct_room(one, two) == auth.direct_room(two, one) != auth.direct_room(one, three)


def test_guests_are_told_apart_by_address_and_nick() -> None:
    ids = {
        auth.guest_id(b"k", "127.0.0.1", 1, "it4"),
        auth.guest_id(b"k", "127.0.0.1", 2, "it4"),
        auth.guest_id(b"k", "127.0.0.1", 1, "it5"),
        auth.guest_id(b"l", "127.0.0.1", 1, "it4"),
    }
    assert len(ids) == 4
