"""The course's list, with the real programs; docs/course.md names each of these tests."""

import re
from collections.abc import Callable

from tests.e2e.world import Person, Server

MakePerson = Callable[..., Person]


def test_what_one_says_all_others_in_the_room_receive_and_nobody_outside(person: MakePerson) -> None:
    with person("it4", "fr").plain() as it4, person("zoé", "fr").plain() as zoe, person("eve").plain() as eve:
        for terminal in (it4, zoe, eve):
            terminal.wait_for("#general")
        eve.type("/create elsewhere\r")
        eve.wait_for("#elsewhere")
        eve.type("/leave general\r")
        it4.wait_for("Annonce : eve a quitté la chatroom")
        it4.type("été à la plage 🏖\r")
        zoe.wait_for("it4 a dit : été à la plage")
        eve.type("/rooms\r")
        eve.wait_for(lambda text: text.count("#general") >= 2)
        assert "plage" not in eve.text()


def test_joining_saying_and_leaving_are_said_in_the_courses_words(person: MakePerson) -> None:
    with person("it4", "fr").plain() as it4:
        it4.wait_for("#general")
        with person("zoé", "fr").plain() as zoe:
            zoe.wait_for("#general")
            it4.wait_for("Annonce : zoé a rejoint la chatroom")
            zoe.type("salut\r")
            zoe.wait_for(lambda text: re.search(r"\[\d\d:\d\d\] Vous avez dit : salut", text))
            it4.wait_for(lambda text: re.search(r"\[\d\d:\d\d\] zoé a dit : salut", text))
            zoe.type("/quit\r")
            assert zoe.wait_end() == 0
        it4.wait_for("Annonce : zoé a quitté la chatroom")


def test_a_cut_is_said_as_leaving_too(person: MakePerson) -> None:
    with person("it4", "fr").plain() as it4:
        it4.wait_for("#general")
        with person("zoé", "fr").plain() as zoe:
            zoe.wait_for("#general")
            it4.wait_for("Annonce : zoé a rejoint la chatroom")
            zoe.process.kill()
            zoe.wait_end()
        it4.wait_for("Annonce : zoé a quitté la chatroom")


def test_coming_back_is_recognised_also_after_a_restart(person: MakePerson, server: Server) -> None:
    zoe = person("zoé", "fr")
    with person("it4", "fr").plain() as it4:
        it4.wait_for("#general")
        with zoe.plain() as terminal:
            terminal.wait_for("#general")
            assert "Welcome back" not in terminal.text()
            terminal.type("/quit\r")
            terminal.wait_end()
        it4.wait_for("Annonce : zoé a quitté la chatroom")
        with zoe.plain() as terminal:
            terminal.wait_for("Welcome back zoé !")
            it4.wait_for("zoé est de retour !")
            server.kill()
            server.start()
            terminal.wait_for("De retour.")
            terminal.type("/quit\r")
            terminal.wait_end()
        with zoe.plain() as terminal:
            terminal.wait_for("Welcome back zoé !")


def test_ids_and_colours_stay_and_differ(person: MakePerson, server: Server) -> None:
    for nick in ("it4", "zoé"):
        assert person(nick).script("send", "general", "one", "--create").returncode in (0, 1)
    server.stop()
    server.start()
    for nick in ("it4", "zoé"):
        assert person(nick).script("send", "general", "two").returncode == 0
    lines = person("it4").history()
    ids = {(line["nick"], line["user"], line["color"]) for line in lines}
    assert len(ids) == 2
    assert all(
        re.fullmatch("[a-z2-7]{16}", user) and re.fullmatch("#[0-9a-f]{6}", color) for _, user, color in ids
    )


def test_the_server_going_away_is_said_and_the_client_keeps_trying(
    person: MakePerson, server: Server
) -> None:
    with person("it4").plain() as it4:
        it4.wait_for("#general")
        server.stop()
        it4.wait_for("Offline")
        server.start()
        it4.wait_for("Back.")
        it4.type("still here\r")
        it4.wait_for("You said: still here")


def test_without_reconnecting_the_client_quits_with_the_server(person: MakePerson, server: Server) -> None:
    with person("it4").plain("--no-reconnect") as it4:
        it4.wait_for("#general")
        server.kill()
        assert it4.wait_end() == 1


def test_logs_hold_the_conversation_and_who_came_and_went(person: MakePerson, server: Server) -> None:
    it4 = person("it4")
    with it4.plain() as terminal:
        terminal.wait_for("#general")
        terminal.type("for the record\r")
        terminal.wait_for("You said: for the record")
        terminal.type("/quit\r")
        terminal.wait_end()
    server.stop()
    server_log = next(server.data.rglob("server.log")).read_text(encoding="utf-8")
    assert "for the record" in server_log
    assert re.search("it4.*joined", server_log)
    assert re.search("it4.*left", server_log)
    client_log = next(it4.home.rglob("client.log")).read_text(encoding="utf-8")
    assert "for the record" in client_log


def test_a_newcomer_sees_the_past(person: MakePerson, server: Server) -> None:
    assert person("it4").script("send", "general", "from before your time").returncode == 0
    with person("zoé").plain() as zoe:
        zoe.wait_for("it4 said: from before your time")


def test_rooms_are_created_listed_joined_and_left(person: MakePerson) -> None:
    with person("it4").plain() as it4, person("zoé").plain() as zoe:
        it4.wait_for("#general")
        zoe.wait_for("#general")
        it4.type("/create dev\r")
        it4.wait_for("#dev: no messages yet.")
        it4.type("only here\r")
        it4.wait_for("You said: only here")
        zoe.type("/rooms\r")
        zoe.wait_for("#dev")
        assert "only here" not in zoe.text()
        zoe.type("/join dev\r")
        zoe.wait_for("it4 said: only here")
        zoe.type("/leave\r")
        zoe.wait_for("You left #dev.")
