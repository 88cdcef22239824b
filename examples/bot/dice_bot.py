"""A bot for a chatroom server, on the client library of `chatroom`: greets who names it, and rolls dice.

Run it: `python dice_bot.py`, or `python dice_bot.py 'chatroom://…'` with an invitation. Then say `@dice 2d6`.
Its key lies below CHATROOM_HOME, or where your own client has its files.

It needs no care about cuts: `follow` gives each line once, also after a reconnect, and begins behind what was
said before it came; what it says waits in the outbox until the server has stored it, and is stored once.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import sys

from chatroom.client.address import Address
from chatroom.client.errors import ClientError
from chatroom.client.profile import Profile
from chatroom.client.session import connect
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.home import find_home
from chatroom.protocol.ids import MessageId
from chatroom.protocol.invitation import Invitation, InvitationError, parse_invitation


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def answer(text: str, asker: str, me: str) -> str:
    """What to say to a text; nothing unless it names us with an `@`."""
    named = re.compile(rf"(?<!\w)@{re.escape(me)}(?!\w)", re.IGNORECASE)
    if not named.search(text):
        return ""
    roll = re.search(r"(?<!\w)(\d*)d(\d+)(?!\w)", named.sub("", text), re.ASCII | re.IGNORECASE)
    if not roll:
        return f"Hello {asker}! I roll dice: say @{me} 2d6."
    count, sides = (int(number[:9] or 1) for number in roll.groups())  # nine digits are too many already
    if not (1 <= count <= 20 and 1 <= sides <= 1000):
        return f"{asker}, I roll at most 20 dice of at most 1,000 sides."
    rolled = random.choices(range(1, sides + 1), k=count)
    return f"{asker} rolls {count}d{sides}: {' + '.join(map(str, rolled))} = {sum(rolled)}"


async def serve(door: Invitation, room_name: str, nick: str) -> None:
    """Answer in one room, over any number of cuts, until Ctrl+C."""
    address, trust = Address(door.host, door.port), Trust.PIN_IF_LOCAL
    profile = Profile.open(find_home(os.environ).profile("dice-bot"))  # a key of its own
    async with connect(
        address, profile, trust=trust, texts=Texts(), nick=nick, pin=door.pin, secret=door.secret
    ) as session:
        room = (await session.join(room_name)).room
        say(f"Listening in {room.name} on {address} as {session.nick}")
        async for line, _json in session.follow(room.id, after=MessageId(room.last)):
            session.events_nowait()  # drop what else happened: it concerns people with a screen
            is_said = not line.kind and line.user != session.user  # no picture or action, and not by us
            if is_said and (said := answer(line.body, line.nick, session.nick)):
                await session.say(room.id, said)


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description="Rolls dice in a room of a chatroom server.")
    parser.add_argument("invitation", nargs="?", help="chatroom://host:port/room?pin=…&key=…")
    parser.add_argument("-a", "--address", default="127.0.0.1", help="the server's host (127.0.0.1)")
    parser.add_argument("-p", "--port", default="9999", help="the server's port (9999)")
    parser.add_argument("--nick", default="dice", help="what the bot is called (dice)")
    parser.add_argument("--room", help="where it listens (the invitation's room, else general)")
    options = parser.parse_args()
    try:
        door = parse_invitation(options.invitation or f"chatroom://{options.address}:{options.port}")
        asyncio.run(serve(door, options.room or door.room or "general", options.nick))
    except InvitationError as error:
        parser.error(str(error))
    except ClientError as error:
        sys.exit(f"{error} {error.mend or 'To choose another, see --help.'}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
