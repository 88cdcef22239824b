"""Runs the full screen from start to end, and says afterwards what has to be known."""

import gc

from chatroom.tui.launch import Launch


def run(launch: Launch) -> int:
    """Show the full screen until one leaves.

    Returns:
        The exit code: 0 when one left, 1 when the server did for good.
    """
    gc.disable()  # until the first screen stands: collections in between cost a fifth of the start
    from chatroom.tui.app import ChatroomApp

    app = ChatroomApp(launch)
    code = app.run()
    for sentence in app.live.last_words():
        print(sentence)  # noqa: T201  # the screen is gone: this is the shell's
    if app.return_code:
        return app.return_code
    return 1 if code is None else code
