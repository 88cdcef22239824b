"""Notices peers that vanished without a word, on links whose protocol has no pings: the system has to."""

import socket
from typing import Final

_PROBES: Final = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds, seconds and a number: an idle peer that is gone is noticed within 25 s (RFC 9293, 3.8.4)."""
_NAMES_ELSEWHERE: Final = {"TCP_KEEPIDLE": "TCP_KEEPALIVE"}
"""What macOS calls it."""
_RETRANSMITS_MAX: Final = 7
"""With doubling waits from 0.2 s, what was sent has gone without an answer for 25 s."""
_RETRANSMITS_AT: Final = 2
_TCP_INFO_SIZE: Final = 8


def keep_alive(sock: socket.socket) -> None:
    """Have the system ask an idle peer whether it lives, as far as it knows how to."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _PROBES.items():
            known = name if hasattr(socket, name) else _NAMES_ELSEWHERE.get(name, name)
            if hasattr(socket, known):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, known), value)
    except OSError:  # it has gone already
        return


def is_unreachable(sock: socket.socket) -> bool:
    """Whether what was sent is not even answered by the peer's system (Linux: `tcp(7)`, TCP_INFO).

    A peer that does not read answers all the same. TCP_USER_TIMEOUT would cut it off, too.
    """
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return False
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO_SIZE)
    except OSError:
        return False
    return len(info) > _RETRANSMITS_AT and info[_RETRANSMITS_AT] >= _RETRANSMITS_MAX
