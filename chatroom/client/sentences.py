"""What a wire error says to a person, in their language; whatever the server sends, it is one inert line."""

from collections.abc import Mapping

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol import ERRORS, ErrorCode

_TEXT_MAX = 300


def explain(
    texts: Texts, code: str, text: str, args: Mapping[str, str], wording: Mapping[str, str] | None = None
) -> str:
    """The sentence of an error frame: ours where the code is known, else the server's own.

    Args:
        wording: Sentences that go before those of the protocol's table, by code.
    """
    try:
        sentence = texts._((wording or {}).get(code) or ERRORS[ErrorCode(code)].sentence)
    except (ValueError, KeyError):
        return one_line(text)[:_TEXT_MAX] or one_line(code)[:_TEXT_MAX]
    try:
        told = sentence.format_map({name: one_line(value)[:_TEXT_MAX] for name, value in args.items()})
    except (LookupError, ValueError, AttributeError):
        told = one_line(text)[:_TEXT_MAX] or code
    return told
