"""Profiles, the book of servers, and addresses."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatroom.client.address import Address, AddressError, parse_address
from chatroom.client.errors import ProfileError
from chatroom.client.profile import Profile
from chatroom.client.servers import KnownServers
from chatroom.protocol import auth

HERE = Address("127.0.0.1", 9999)


def test_a_key_is_made_once(tmp_path: Path) -> None:
    first, again = Profile.open(tmp_path / "me"), Profile.open(tmp_path / "me")
    assert first.public_key == again.public_key
    assert first.user_id == auth.user_id(first.public_key)
    assert auth.is_signed(first.public_key, again.sign(b"data"), b"data")
    assert (tmp_path / "me" / "identity.key").stat().st_mode & 0o777 == 0o600
    assert Profile.open(tmp_path / "other").public_key != first.public_key
    assert first.name == "me"


def test_many_that_open_a_new_profile_at_once_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = {p.public_key for p in threads.map(lambda _n: Profile.open(tmp_path / "me"), range(16))}
    assert len(keys) == 1


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    Profile.open(tmp_path / "me")
    (tmp_path / "me" / "identity.key").write_bytes(b"short")
    with pytest.raises(ProfileError, match="damaged"):
        Profile.open(tmp_path / "me")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="CHATROOM_HOME"):
        Profile.open(tmp_path / "file" / "me")


def test_the_book_remembers(tmp_path: Path) -> None:
    book = KnownServers(tmp_path)
    assert book.key_of(HERE) is None
    assert book.last_address() is None
    book.trust(HERE, b"k" * 32)
    book.remember(b"k" * 32, address=HERE, nick="it4")
    book.remember(b"k" * 32, room="general", guest_token=b"token")
    again = KnownServers(tmp_path)
    assert again.key_of(HERE) == b"k" * 32
    assert again.last_address() == HERE
    assert (again.nick_at(b"k" * 32), again.room_at(b"k" * 32)) == ("it4", "general")
    assert again.guest_token(b"k" * 32) == b"token"
    assert again.nick_at(b"o" * 32) == ""
    again.forget(HERE)
    assert again.key_of(HERE) is None


def test_programs_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: KnownServers(tmp_path).trust(Address("h", n), bytes([n]) * 32), range(40)))
    assert [KnownServers(tmp_path).key_of(Address("h", n)) for n in range(40)] == [
        bytes([n]) * 32 for n in range(40)
    ]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"last": 5}', b"[" * 100_000])
def test_a_damaged_book_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "servers.json").write_bytes(content)
    book = KnownServers(tmp_path)
    assert book.last_address() is None
    book.trust(HERE, b"k" * 32)
    assert book.key_of(HERE) == b"k" * 32


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("chat.example.org", "chat.example.org", 9999),
        (" 10.0.0.7:7000 ", "10.0.0.7", 7000),
        ("[::1]", "::1", 9999),
        ("[fe80::1]:80", "fe80::1", 80),
        ("::1", "::1", 9999),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert (address.host, address.port) == (host, port)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", ":80", "host:", "host:0", "host:65536", "host:x", "[]:5", "bad host", "a..b:80", "x:1:2"]
)
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(AddressError, match="host:port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("localhost", True), ("127.3.4.5", True), ("::1", True), ("10.0.0.1", False), ("example.org", False)],
)
def test_this_machine_is_known(host: str, *, is_loopback: bool) -> None:
    assert Address(host).is_loopback is is_loopback
