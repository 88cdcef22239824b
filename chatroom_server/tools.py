"""`chatroom-server verify`, `backup` and `export`: what an operator does with a data folder."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chatroom.common.texts import Texts
from chatroom_server.backups import back_up
from chatroom_server.config import Settings
from chatroom_server.data_folders import ToolError
from chatroom_server.exports import export
from chatroom_server.shell.running import RuntimeFolderError, open_runtime_folder, running_servers
from chatroom_server.verifying import verify

FAILED: Final = 1


def run_tool(options: Namespace, settings: Settings, texts: Texts, environ: Mapping[str, str]) -> int:
    """Do what the command line asks. Blocks.

    Returns:
        The exit status.

    Raises:
        ToolError: It could not be done.
        OutputError: What it says cannot be written.
    """
    if options.command == "verify":
        return verify(options, texts)
    if options.command == "backup":
        return back_up(options, texts)
    return export(options, _data(options, settings, texts, environ), texts)


def _data(options: Namespace, settings: Settings, texts: Texts, environ: Mapping[str, str]) -> Path:
    """The folder that was named, else that of the server that runs, else the usual one."""
    if settings.data_given:
        return settings.data
    try:
        servers = running_servers(open_runtime_folder(environ))
    except RuntimeFolderError as error:
        raise ToolError(str(error), FAILED) from error
    found = [server for server in servers if options.port in (None, str(server.port))]
    if not found:
        return settings.data
    if len(found) > 1:
        sentence = texts._("several of your servers run; say which: {servers}")
        listed = ", ".join(f"-p {server.port} (--data {server.data})" for server in found)
        raise ToolError(sentence.format(servers=listed), FAILED)
    return Path(found[0].data)
