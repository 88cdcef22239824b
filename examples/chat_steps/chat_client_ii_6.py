"""Step 6 of the chat: a client that ends with a word when the server goes, even while it waits for input.

Run it: `python chat_client_ii_6.py it4`, while `chat_server_ii_6.py` runs; without a nick it asks for one.
Type lines, end with Ctrl+D.

`gather()` would wait for somebody to press Enter; in a task group, the end of one task may end the other.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import unicodedata

import aioconsole


def printable(text: str) -> str:
    """The text with control characters escaped: nobody may command the terminal of somebody else."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text)


async def end_if_unread() -> None:
    """End where nobody reads what is printed any more, as behind `| head`."""
    _, output = await aioconsole.get_standard_streams()
    if isinstance(output, asyncio.StreamWriter) and output.is_closing():
        os._exit(0)


async def async_input(writer: asyncio.StreamWriter) -> None:
    """Send what is typed, until Ctrl+D."""
    while True:
        try:
            line: str = await aioconsole.ainput()
        except UnicodeDecodeError:
            continue  # it is no text
        except EOFError:
            await end_if_unread()  # aioconsole ends what is typed with what is printed
            writer.write_eof()  # tells the server that we leave; what it still says reaches us
            return
        writer.write(f"{line}\n".encode())
        with contextlib.suppress(OSError):  # the server has vanished: async_receive notices it too
            await writer.drain()


async def async_receive(reader: asyncio.StreamReader) -> None:
    """Print what comes as it comes, until the server goes."""
    # OSError: it goes with a bang. ValueError: its line does not end.
    with contextlib.suppress(OSError, ValueError):
        while line := await reader.readline():
            await aioconsole.aprint(printable(line.decode("utf-8", "replace").rstrip("\r\n")))
            await end_if_unread()


async def ask_nick(given: str) -> str:
    """The nick of the command line, else of the keyboard; empty if there is none to be had."""
    nick = given
    with contextlib.suppress(EOFError):
        while not (nick := " ".join(nick.split())):  # a nick is one line, or the server takes it for two
            with contextlib.suppress(UnicodeDecodeError):
                nick = await aioconsole.ainput("Nick: ")
    return nick


async def chat(host: str, port: int, given: str) -> None:
    """Connect, say who we are, then type and listen until one side leaves."""
    if not (nick := await ask_nick(given)):
        return
    await aioconsole.get_standard_streams()  # now, or both coroutines would open them at the same time
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"Hello|{nick}\n".encode("utf-8", "replace"))
    with contextlib.closing(writer):
        async with asyncio.TaskGroup() as group:
            typing = group.create_task(async_input(writer))
            await async_receive(reader)
            if typing.cancel():  # else it had ended: it was we who left
                await aioconsole.aprint("Le serveur est parti, à bientôt.")


def port_number(text: str) -> int:
    """A port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Read the command line, and chat."""
    parser = argparse.ArgumentParser(description="Sends the lines you type, prints those that come.")
    parser.add_argument("nick", nargs="?", default="", help="your name; else you are asked")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="its port (8888)")
    options = parser.parse_args()
    where = f"{options.host}:{options.port}"
    try:
        asyncio.run(chat(options.host, options.port, options.nick))
    except (OSError, UnicodeError) as error:  # UnicodeError: what no name of a host can be
        sys.exit(f"Cannot connect to {where} ({error}). Start the server first, or give --host and --port.")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
