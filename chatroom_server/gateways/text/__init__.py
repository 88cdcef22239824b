"""The plain-text door: netcat, telnet, curl and pupils' own clients talk in the same rooms, line by line."""

from chatroom_server.gateways.text.connection import TextConnection
from chatroom_server.gateways.text.settings import TextSettings

__all__ = ["TextConnection", "TextSettings"]
