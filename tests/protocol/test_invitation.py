"""The line that lets somebody in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.invitation import Invitation, InvitationError, parse_invitation


@given(
    st.sampled_from(["chat.example.org", "192.0.2.7", "2001:db8::1"]),
    st.integers(1, 65535),
    st.text(
        st.characters(codec="utf-8", exclude_characters="/", exclude_categories=("Cc", "Zs")), max_size=20
    ),
    st.text("abcdefghijklmnopqrstuvwxyz234567", max_size=32),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
)
def test_an_invitation_comes_back(host: str, port: int, room: str, pin: str, secret: str) -> None:
    invitation = Invitation(host, port, room, pin, secret)
    assert parse_invitation(str(invitation)) == invitation


def test_it_reads_as_documented() -> None:
    text = str(Invitation("chat.example.org", 9999, "général", "abc", "k1"))
    assert text == "chatroom://chat.example.org:9999/g%C3%A9n%C3%A9ral?pin=abc&key=k1"


def test_the_port_may_be_left_out() -> None:
    assert parse_invitation(" chatroom://host \n") == Invitation("host", 9999)


@pytest.mark.parametrize(
    "text", ["", "host:9999", "http://host/", "chatroom://", "chatroom://host:99999/", "chatroom://[::1/"]
)
def test_what_is_no_invitation_gets_a_sentence(text: str) -> None:
    with pytest.raises(InvitationError, match="invitation") as caught:
        parse_invitation(text)
    assert str(caught.value) == caught.value.sentence.format(**caught.value.args_by_name)
