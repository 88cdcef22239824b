"""Writes docs/configuration.md from the tables of settings: python docs/make_configuration.py."""

import sys
from pathlib import Path

import chatroom.config
import chatroom_server.config
from chatroom.common.settings import table

DOCUMENT = Path(__file__).with_name("configuration.md")
_PAGE = """# Settings

Both programs read `KEY=VALUE` lines; `#` begins a comment. Options of the command line beat environment
variables (`CHATROOM_` and the key, such as `CHATROOM_PORT`), which beat the file, which beats the defaults.

This page is made from the code.

## The server: `chatroom-server --config server.conf`

`chatroom-server --check` shows each value and where it came from.

After a change, `chatroom-server reload` (or SIGHUP) takes over what has *yes* below, and cuts nobody off; it
names what needs a restart of the server. A file with an error changes nothing.

{server}

## The client: `client.conf` in the user's configuration folder, or `chatroom --config client.conf`

{client}

## Folders

`CHATROOM_HOME` puts everything of a client (key, outbox, settings, log), and of a server that is started
without `--data`, into one folder. Without it the platform decides: on Linux `~/.local/share/chatroom` for
data, `~/.config/chatroom` for settings. Logs go to `/var/log/chat_room/` where that can be written, else to
the user's log folder; `LOG_DIR` says otherwise.
"""


def page() -> str:
    """The page as the code has it now."""
    return _PAGE.format(
        server=table(chatroom_server.config.KEYS, tells_reload=True), client=table(chatroom.config.KEYS)
    )


def main() -> int:
    """Write the page."""
    DOCUMENT.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
