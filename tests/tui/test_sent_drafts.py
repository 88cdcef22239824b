"""A program that was killed between keeping a message and letting go of its draft."""

from pathlib import Path

import pytest

from chatroom.client.outbox import Draft
from chatroom.client.profile import Profile
from chatroom.testing import FakeServer
from chatroom.tui.app import ChatroomApp
from tests.tui.stage import lines_of
from tests.tui.test_live import GENERAL, is_online, launch, until


@pytest.mark.parametrize(("draft", "left"), [("said", ""), ("said and more", "said and more")])
async def test_a_draft_that_is_in_the_outbox_too_is_none_any_more(
    tmp_path: Path, draft: str, left: str
) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: is_online(app))
        await server.stop()
        again = launch(tmp_path, server, "me", nick="it4")
        leave(again.profile, server.public_key, draft)
        app = ChatroomApp(again)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: "pending" in lines_of(app.chat))
            assert app.chat.composer.text == left
        assert drafts(again.profile, server.public_key) == ({GENERAL: left} if left else {})


def leave(profile: Profile, server_key: bytes, draft: str) -> None:
    """What the killed program has left on disk."""
    slot = profile.slots.claim_free()
    slot.outbox.add(server_key, [Draft(GENERAL, "said")])
    slot.release()
    store = profile.open_store(server_key)
    store.save_draft(GENERAL, draft)
    store.close()


def drafts(profile: Profile, server_key: bytes) -> dict[str, str]:
    """The drafts on disk."""
    store = profile.open_store(server_key)
    try:
        return {str(room): text for room, text in store.drafts().items()}
    finally:
        store.close()
