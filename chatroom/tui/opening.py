"""Puts the conversation's screen together; it loads most of the client, behind the first frame."""

from functools import partial

from chatroom.dates import clock, day_label
from chatroom.tui.conversation import Conversation
from chatroom.tui.keeper import Keeper
from chatroom.tui.launch import Launch
from chatroom.tui.screens.chat import ChatScreen
from chatroom.tui.times import now_ms
from chatroom.tui.widgets.log_words import LogWords
from chatroom.tui.widgets.message_log import MessageLog


def make_chat(launch: Launch, keeper: Keeper) -> ChatScreen:
    """The screen of one person's conversation, with nothing in it yet."""
    me = launch.profile.user_id
    day = partial(day_label, zone=None, lang=launch.texts.lang)
    words = LogWords(launch.texts, clock, day, me=me)
    return ChatScreen(
        Conversation(me, now_ms),
        launch.texts,
        MessageLog(words, id="log"),
        keeper,
        bell=launch.settings.bell,
    )
