"""Frames to bytes and back: a kind byte, a length of variable size, a JSON body.

The length header is the variable-length integer of RFC 9000, section 16: its first two bits say whether it
takes 1, 2, 4 or 8 bytes. It counts bytes, never characters.
"""

from struct import Struct
from typing import Final

import msgspec

from chatroom.protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from chatroom.protocol.frames import AnyFrame, Line
from chatroom.protocol.kinds import BY_FRAME, BY_KIND, KINDS
from chatroom.protocol.limits import FRAME_UNKNOWN_MAX

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final[dict[int, msgspec.json.Decoder[AnyFrame]]] = {
    info.kind: msgspec.json.Decoder(info.frame) for info in KINDS
}
_LINE_KIND: Final = bytes([BY_FRAME[Line].kind])
_ONE_BYTE: Final = 0b0100_0000
"""The first byte of a length header that has no other is below this."""
_TWO_BYTES: Final = 0b1000_0000
"""That of one with one more byte is below this."""
_two_bytes: Final = Struct(">BH").pack
"""The header of a frame whose length takes two bytes: nearly every line."""
_KNOWN_MAX: Final = {info.kind: info.max_length for info in KINDS}
_LONGEST: Final = [_KNOWN_MAX.get(kind, FRAME_UNKNOWN_MAX) for kind in range(256)]
"""How long a body may be, by the number of its kind."""


def encode_length(length: int) -> bytes:
    """Write a length header in its shortest form (RFC 9000, section 16).

    Raises:
        LocalProtocolError: The length is negative or has more than 62 bits.
    """
    if length < 0 or length >= 1 << 62:
        raise LocalProtocolError(f"a length of {length} cannot be written")
    if length < 1 << 6:
        return length.to_bytes(1, "big")
    if length < 1 << 14:
        return (length | 1 << 14).to_bytes(2, "big")
    if length < 1 << 30:
        return (length | 2 << 30).to_bytes(4, "big")
    return (length | 3 << 62).to_bytes(8, "big")


def decode_length(data: bytes | bytearray, offset: int) -> tuple[int, int] | None:
    """Read a length header.

    Returns:
        The length and the offset behind its header, or None while the header is not whole.
    """
    if offset >= len(data):
        return None
    size = 1 << (data[offset] >> 6)
    end = offset + size
    if end > len(data):
        return None
    return int.from_bytes(data[offset:end], "big") & ((1 << (size * 8 - 2)) - 1), end


def encode(frame: AnyFrame) -> bytes:
    """Make the bytes of a frame.

    Raises:
        LocalProtocolError: Its body is longer than its kind may be, or holds text that UTF-8 cannot.
    """
    info = BY_FRAME[type(frame)]
    try:
        body = _ENCODER.encode(frame)
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"a text cannot be written in UTF-8: {error}") from error
    if len(body) > info.max_length:
        raise LocalProtocolError(f"{type(frame).__name__} of {len(body)} bytes; at most {info.max_length}")
    return b"%c%b%b" % (info.kind, encode_length(len(body)), body)


def frame_line(line: bytes) -> bytes:
    """Put the header of a stored line in front of its bytes, without encoding it again."""
    return b"%b%b%b" % (_LINE_KIND, encode_length(len(line)), line)


def frame_lines(lines: list[bytes]) -> list[bytes]:
    """As `frame_line`, for each of many."""
    kind = _LINE_KIND[0]
    return [
        _two_bytes(kind, _ONE_BYTE << 8 | size) + line
        if _ONE_BYTE <= (size := len(line)) < _ONE_BYTE << 8
        else frame_line(line)
        for line in lines
    ]


def decode_body(kind: int, body: bytes) -> AnyFrame:
    """Read the body of a frame of a known kind.

    Raises:
        RemoteProtocolError: It is no JSON of this kind's shape.
    """
    try:
        return _DECODERS[kind].decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        name = BY_KIND[kind].frame.__name__
        raise RemoteProtocolError(ErrorCode.BAD_FRAME, f"{name}: {error}") from error


def decode_line(data: bytes | msgspec.Raw) -> Line:
    """Read a line as a page or a file holds it.

    Raises:
        RemoteProtocolError: It is no line.
    """
    frame = decode_body(_LINE_KIND[0], bytes(data))
    assert isinstance(frame, Line)
    return frame


class FrameReader:
    """Cuts a stream of bytes into frames, however the stream was cut into chunks.

    It holds at most one header and one body: a length over the kind's maximum raises before any of
    the body is kept.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._rest)

    @property
    def pending_kind(self) -> int | None:
        """The kind of a frame that is not whole yet."""
        return self._rest[0] if self._rest else None

    def feed(self, chunk: bytes) -> tuple[list[tuple[int, bytes]], RemoteProtocolError | None]:
        """Accept bytes; return the frames that became whole, and what broke the contract behind them.

        Returns:
            (kind, body) of each whole frame, oldest first; and the error, after which the stream is useless.
        """
        data: bytes | bytearray = chunk
        if self._rest:
            self._rest += chunk
            data = self._rest
        frames: list[tuple[int, bytes]] = []
        offset, end, error = 0, len(data), None
        while offset + 1 < end:
            kind, length, start = data[offset], data[offset + 1], offset + 2
            if length >= _ONE_BYTE:
                if length < _TWO_BYTES and start < end:  # most frames; see benchmarks
                    length, start = (length - _ONE_BYTE) << 8 | data[start], start + 1
                elif header := decode_length(data, offset + 1):
                    length, start = header
                else:
                    break
            if length > _LONGEST[kind]:
                error = _too_long(kind, length)
                break
            stop = start + length
            if stop > end:
                break
            body = data[start:stop]
            frames.append((kind, body if type(body) is bytes else bytes(body)))
            offset = stop
        self._keep(data, offset)
        return frames, error

    def _keep(self, data: bytes | bytearray, offset: int) -> None:
        if data is self._rest:
            del self._rest[:offset]
        elif offset < len(data):
            self._rest = bytearray(data[offset:])


def _too_long(kind: int, length: int) -> RemoteProtocolError:
    info = BY_KIND.get(kind)
    name = info.frame.__name__ if info else f"unknown kind 0x{kind:02x}"
    detail = f"{name} announces {length} bytes; at most {_LONGEST[kind]}"
    return RemoteProtocolError(ErrorCode.TOO_LONG, detail)
