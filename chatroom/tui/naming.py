"""Says what is wrong with a name, in the user's language."""

from collections.abc import Callable

from chatroom.common.names import NameProblem
from chatroom.common.texts import Texts


def name_problem(check: Callable[[str], str], name: str, texts: Texts) -> str:
    """What is wrong with a name; empty for nothing.

    Args:
        check: `check_nick` or `check_room` of `chatroom.common.names`.
    """
    try:
        check(name)
    except NameProblem as problem:
        return problem.told(texts)
    return ""
