"""Where a server is, as people write it."""

import ipaddress
from dataclasses import dataclass

from chatroom.common.names import is_host
from chatroom.common.texts import Sentence, SentenceError
from chatroom.protocol.invitation import DEFAULT_PORT, Invitation


class AddressError(SentenceError, ValueError):
    """The text is no address; it says what one looks like."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it names this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str) -> Address:
    """Read `host`, `host:port` or `[::1]:port`.

    Raises:
        AddressError: It is none of them.
    """
    text = text.strip()
    host, port = text, str(DEFAULT_PORT)
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _colon, port = text.partition(":")
    if not is_host(host) or not (port.isascii() and port.isdecimal()) or not 1 <= int(port) <= 65535:
        raise _none(text)
    return Address(host, int(port))


def invited_to(invitation: Invitation) -> Address:
    """Where an invitation leads.

    Raises:
        AddressError: Nowhere: no host can be called so, or the port is 0.
    """
    address = Address(invitation.host, invitation.port)
    if not is_host(address.host) or not address.port:
        raise _none(str(address))
    return address


def _none(text: str) -> AddressError:
    return AddressError(
        Sentence("{text} is no address; write host:port, such as chat.example.org:9999", text=repr(text))
    )
