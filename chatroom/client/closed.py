"""What is said of a room that one is not in any more, and did not leave."""

from chatroom.common.texts import Texts


def closed_sentence(texts: Texts, title: str, *, is_direct: bool, is_lost: bool) -> str:
    """Why nothing can be said in a room, and what mends that.

    Args:
        title: The room as people call it: `#later`, `@dave`.
        is_direct: It is a conversation of two.
        is_lost: The server does not have it; else one has left it, with another device.
    """
    _ = texts._
    if is_direct and is_lost:
        sentence = _("This conversation is closed: the server does not know {room} at present.")
    elif is_direct:
        sentence = _("This conversation is closed: you have left {room}. /msg opens it again.")
    else:
        sentence = _("You are not in {room} any more. /join or /create brings you back.")
    return sentence.format(room=title)
