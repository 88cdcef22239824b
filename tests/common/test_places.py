"""Folders follow from the environment, and sockets fit into them."""

from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.places import SOCKET_PATH_MAX, own_home, runtime_folder

LONG = "/very" * 30


def test_a_home_of_its_own_has_its_runtime_folder_inside() -> None:
    environ = {"CHATROOM_HOME": "/home/it4/alice", "XDG_RUNTIME_DIR": "/run/user/1000"}
    assert runtime_folder(environ, 1000) == "/home/it4/alice/run"
    assert own_home(environ) == "/home/it4/alice"


def test_a_tilde_that_no_shell_has_seen_is_the_users_home() -> None:
    environ = {"CHATROOM_HOME": "~/alice", "HOME": "/home/it4"}
    assert own_home(environ) == "/home/it4/alice"
    assert runtime_folder(environ, 1000) == "/home/it4/alice/run"
    assert own_home({"CHATROOM_HOME": "~alice/x", "HOME": "/home/it4"}) == "~alice/x"


def test_two_long_homes_do_not_meet() -> None:
    environ = {"XDG_RUNTIME_DIR": "/run/user/1000"}
    one = runtime_folder(environ | {"CHATROOM_HOME": LONG + "/one"}, 1000)
    other = runtime_folder(environ | {"CHATROOM_HOME": LONG + "/two"}, 1000)
    assert one.startswith("/run/user/1000/chatroom-")
    assert len({one, other, runtime_folder(environ, 1000)}) == 3


def test_without_a_home_the_session_or_the_user_has_one() -> None:
    assert runtime_folder({"XDG_RUNTIME_DIR": "/run/user/1000"}, 1000) == "/run/user/1000/chatroom"
    assert runtime_folder({}, 1000) == "/tmp/chatroom-1000"
    assert runtime_folder({"XDG_RUNTIME_DIR": "relative"}, 1000) == "/tmp/chatroom-1000"
    assert runtime_folder({"XDG_RUNTIME_DIR": LONG}, 1000) == "/tmp/chatroom-1000"
    assert own_home({}) == ""


@given(st.text(), st.text())
def test_a_socket_always_fits(home: str, session: str) -> None:
    folder = runtime_folder({"CHATROOM_HOME": home, "XDG_RUNTIME_DIR": "/" + session}, 2**31)
    assert len(folder.encode()) <= SOCKET_PATH_MAX - 23
