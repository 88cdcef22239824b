"""Step 4 of the chat: a client that shows what the others say while it types.

Run it: `python chat_client_ii_4.py` in two terminals, while `chat_server_ii_4.py` runs; end with Ctrl+D.

It is the client of step 3: only the server has learnt something.
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
    while not writer.is_closing():
        try:
            line: str = await aioconsole.ainput()
        except UnicodeDecodeError:
            continue  # it is no text
        except EOFError:
            await end_if_unread()  # aioconsole ends what is typed with what is printed
            writer.write_eof()  # tells the server that nothing more comes; its last answers still reach us
            return
        writer.write(f"{line}\n".encode())
        with contextlib.suppress(OSError):  # the server has vanished: async_receive notices it too
            await writer.drain()


async def async_receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Print what comes as it comes, until the server hangs up."""
    # OSError: the server has vanished. ValueError: its line does not end.
    with contextlib.suppress(OSError, ValueError), contextlib.closing(writer):
        while line := await reader.readline():
            await aioconsole.aprint(printable(line.decode("utf-8", "replace").rstrip("\r\n")))
            await end_if_unread()
    await aioconsole.aprint("Connection closed.")


async def chat(host: str, port: int) -> None:
    """Connect, then do both until both are done."""
    await aioconsole.get_standard_streams()  # now, or both coroutines would open them at the same time
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        await asyncio.gather(async_input(writer), async_receive(reader, writer))


def port_number(text: str) -> int:
    """A port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Read the command line, and chat."""
    parser = argparse.ArgumentParser(description="Sends the lines you type, prints those that come.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="its port (8888)")
    options = parser.parse_args()
    where = f"{options.host}:{options.port}"
    try:
        asyncio.run(chat(options.host, options.port))
    except (OSError, UnicodeError) as error:  # UnicodeError: what no name of a host can be
        sys.exit(f"Cannot connect to {where} ({error}). Start the server first, or give --host and --port.")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
