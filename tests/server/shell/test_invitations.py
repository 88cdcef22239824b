"""Invitations: only addresses that others can use."""

from chatroom.protocol.auth import pin
from chatroom.protocol.codec import encode
from chatroom.protocol.invitation import parse_invitation
from chatroom_server.shell.invitations import InvitationBook, own_addresses, reachable

KEY = bytes(32)


def found() -> list[str]:
    """What a machine with two addresses says."""
    return ["192.168.1.5", "2001:db8::7"]


def test_a_server_on_loopback_is_reached_by_nobody() -> None:
    assert reachable([("127.0.0.1", 9999), ("::1", 9999)], [], found) == []


def test_the_operators_word_comes_first() -> None:
    public = [("chat.example.org", 443)]
    assert reachable([("127.0.0.1", 9999)], public, found) == public
    assert reachable([("0.0.0.0", 9999)], public, found) == [*public, ("192.168.1.5", 9999)]


def test_anywhere_becomes_real_addresses() -> None:
    assert reachable([("::", 9999)], [], found) == [("192.168.1.5", 9999), ("2001:db8::7", 9999)]
    assert reachable([("192.168.1.5", 9999)], [], found) == [("192.168.1.5", 9999)]


def test_this_machines_own_addresses_are_none_that_only_it_can_use() -> None:
    for address in own_addresses():
        assert not address.startswith(("127.", "0.", "169.254.", "fe80", "::1"))


def test_the_lines_say_all_that_a_newcomer_needs() -> None:
    book = InvitationBook(KEY, [("chat.example.org", 443), ("2001:db8::7", 9999)], "secret", "général", "cmd")
    first, second = (parse_invitation(line) for line in book.lines())
    assert (first.host, first.port, first.room, first.pin, first.secret) == (
        "chat.example.org",
        443,
        "général",
        pin(KEY),
        "secret",
    )
    assert second.host == "2001:db8::7"
    assert parse_invitation(book.lines("tea")[0]).room == "tea"


def test_an_answer_always_fits_its_frame() -> None:
    book = InvitationBook(KEY, [("h" * 60, 9999)] * 8, "s" * 22, "é" * 40, "cmd")
    assert len(encode(book.answer("日" * 256)).split(b"chatroom://")) == 9


def test_without_an_address_there_is_the_command_that_opens_the_server() -> None:
    answer = InvitationBook(KEY, [], "secret", "general", "chatroom-server -a 0.0.0.0").answer("")
    assert (answer.invitations, answer.help) == ([], "chatroom-server -a 0.0.0.0")
