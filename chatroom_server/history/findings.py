"""What a check of a data folder can find: one table of sentences, and what each of them is about."""

from enum import StrEnum
from typing import Final

import msgspec


class Finding(StrEnum):
    """Kinds of findings; the values are part of what `verify --json` prints."""

    CHECKPOINT_MISSING = "checkpoint-missing"
    CHECKPOINT_UNREADABLE = "checkpoint-unreadable"
    CHECKPOINT_AHEAD = "checkpoint-ahead"
    JOURNAL_DAMAGED = "journal-damaged"
    JOURNAL_TORN = "journal-torn"
    JOURNAL_GAP = "journal-gap"
    JOURNAL_MISSING = "journal-missing"
    JOURNAL_HOLE = "journal-hole"
    JOURNAL_TWICE = "journal-twice"
    JOURNAL_BEHIND = "journal-behind"
    UNLIKE_JOURNAL = "unlike-journal"
    NOT_COMPARED = "not-compared"
    INDEX_UNREADABLE = "index-unreadable"
    SEGMENT_MISSING = "segment-missing"
    SEGMENT_SHORT = "segment-short"
    SEGMENT_LONG = "segment-long"
    SEGMENT_CHANGED = "segment-changed"
    SEGMENT_ODD = "segment-odd"
    LINE_UNREADABLE = "line-unreadable"
    LINE_ELSEWHERE = "line-elsewhere"
    LINE_NUMBER = "line-number"
    LINES_WRONG_END = "lines-wrong-end"
    LINE_LOST = "line-lost"
    STORED_TWICE = "stored-twice"
    NUMBER_CONFLICT = "number-conflict"
    GUEST_AGAIN = "guest-again"
    PROJECTION_MISSING = "projection-missing"
    PROJECTION_CHANGED = "projection-changed"
    PROJECTION_TAIL = "projection-tail"
    USERS_UNREADABLE = "users-unreadable"
    USERS_AHEAD = "users-ahead"
    DEVICES_UNREADABLE = "devices-unreadable"
    DEVICES_AHEAD = "devices-ahead"
    KEY_MISSING = "key-missing"
    SECRET_MISSING = "secret-missing"
    IDENTITY_UNUSABLE = "identity-unusable"
    CERTIFICATE_UNLIKE_KEY = "certificate-unlike-key"
    CERTIFICATE_UNUSABLE = "certificate-unusable"
    UNREADABLE = "unreadable"
    SET_ASIDE = "set-aside"
    UNSAFE = "unsafe"
    BACKUP = "backup"
    MORE = "more"


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


SENTENCES: Final[dict[Finding, str]] = {
    Finding.CHECKPOINT_MISSING: _(
        "it is missing: nothing says how far the other files have come; put the folder back from a backup"
    ),
    Finding.CHECKPOINT_UNREADABLE: _("it cannot be read ({reason}); put the folder back from a backup"),
    Finding.CHECKPOINT_AHEAD: _("the checkpoint is ahead of the journal: what was written last is lost"),
    Finding.JOURNAL_DAMAGED: _(
        "{size} bytes are no whole batch: what was stored there may be lost; the next start keeps a copy of "
        "the file and its good lines"
    ),
    Finding.JOURNAL_TORN: _(
        "{size} bytes at the end are a batch that was not written to its end: nobody was shown it, and the "
        "next start takes it away"
    ),
    Finding.JOURNAL_GAP: _("batch {batch} comes where batch {expected} should: what stood between is lost"),
    Finding.JOURNAL_MISSING: _("it is missing: what was stored in it may be lost"),
    Finding.JOURNAL_HOLE: _("room {room} goes on with {found} where {expected} should come: lines are lost"),
    Finding.JOURNAL_TWICE: _("line {found} of room {room} stands there again, behind line {last}"),
    Finding.JOURNAL_BEHIND: _(
        "room {room} has lines up to {last} in its files, and the journal ends at {found}"
    ),
    Finding.UNLIKE_JOURNAL: _("line {line} is not what the journal holds: one of the two files was changed"),
    Finding.NOT_COMPARED: _("lines {first} to {last} cannot be compared with the journal: {reason}"),
    Finding.INDEX_UNREADABLE: _(
        "the index is damaged or does not fit the room: its segments cannot be checked against their "
        "checksums; the server finds them by their names"
    ),
    Finding.SEGMENT_MISSING: _("it is missing: the lines {first} to {last} are lost"),
    Finding.SEGMENT_SHORT: _("it has {size} bytes where {expected} were written: lines at its end are lost"),
    Finding.SEGMENT_LONG: _(
        "{size} bytes stand behind what the checkpoint counts: the next start takes them from the journal"
    ),
    Finding.SEGMENT_CHANGED: _("its checksum is not that of the index: it was changed after it was sealed"),
    Finding.SEGMENT_ODD: _("it was damaged before it was sealed, and has no checksum"),
    Finding.LINE_UNREADABLE: _("this is no line that can be read: {reason}"),
    Finding.LINE_ELSEWHERE: _("this line belongs to room {room}"),
    Finding.LINE_NUMBER: _("line {found} comes where line {expected} should"),
    Finding.LINES_WRONG_END: _("it ends with line {found} where {expected} should be the last"),
    Finding.LINE_LOST: _("this line stands for one that an earlier damage took ({count} in this file)"),
    Finding.STORED_TWICE: _("line {line} is the same message as line {other} of room {room}"),
    Finding.NUMBER_CONFLICT: _(
        "line {line} has user, device and n of line {other} of room {room}, and says something else"
    ),
    Finding.GUEST_AGAIN: _(
        "line {line} has user, device and n of line {other} of room {room}: a guest who had been forgotten "
        "came again"
    ),
    Finding.PROJECTION_MISSING: _("it is missing; put it back from a backup of the same moment"),
    Finding.PROJECTION_CHANGED: _("its checksum is wrong: the disk or another program has changed it"),
    Finding.PROJECTION_TAIL: _(
        "{size} bytes stand behind what the checkpoint counts; the next start cuts them"
    ),
    Finding.USERS_UNREADABLE: _("the users cannot be read: {reason}"),
    Finding.USERS_AHEAD: _("it knows line {found} of the account log, which ends at {last}"),
    Finding.DEVICES_UNREADABLE: _("this line cannot be read: {reason}"),
    Finding.DEVICES_AHEAD: _(
        "it says that message {found} of device {device} of user {user} is stored; the newest that is there "
        "is {last}"
    ),
    Finding.KEY_MISSING: _(
        "it is missing: the next start makes a new key, and clients that know the old one refuse the server; "
        "put identity/ back from a backup"
    ),
    Finding.SECRET_MISSING: _(
        "it is missing: the next start draws a new one, and invitations that were given out "
        "(invitation.secret) or guests who come back (guests.secret) are not known any more; put it back "
        "from a backup"
    ),
    Finding.IDENTITY_UNUSABLE: _(
        "it holds nothing that can be used, and the server does not start with it; put it back from a backup"
    ),
    Finding.CERTIFICATE_UNLIKE_KEY: _(
        "it belongs to another key than server.key holds: one of the two was changed; put identity/ back "
        "from a backup"
    ),
    Finding.CERTIFICATE_UNUSABLE: _(
        "it is missing or cannot be read: the next start makes a new one of the same key"
    ),
    Finding.UNREADABLE: _("the disk does not give it: {reason}"),
    Finding.SET_ASIDE: _("{count} files lie here that an earlier start could not use and set aside"),
    Finding.UNSAFE: _(
        "the server ran without fsync when the machine stopped: what was stored last may be lost"
    ),
    Finding.BACKUP: _("this is a backup that no server has opened yet: it gets a new epoch then"),
    Finding.MORE: _("and {count} more like this one: {kind}"),
}

NOTES: Final = frozenset(
    {
        Finding.JOURNAL_TORN,
        Finding.SEGMENT_LONG,
        Finding.SEGMENT_ODD,
        Finding.LINE_LOST,
        Finding.GUEST_AGAIN,
        Finding.PROJECTION_TAIL,
        Finding.CERTIFICATE_UNUSABLE,
        Finding.SET_ASIDE,
        Finding.UNSAFE,
        Finding.BACKUP,
    }
)
"""What a sound folder may have."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that was found.

    Attributes:
        path: The file, from the data folder on.
        offset: The byte where it begins, if it has a place.
        line: The number of the line in its room, or in a file that is no room's.
        args: What the sentence has to be filled with.
    """

    kind: Finding
    path: str
    offset: int | None = None
    line: int | None = None
    args: dict[str, object] = {}

    @property
    def is_damage(self) -> bool:
        """Whether the folder is not sound because of it."""
        kind = Finding(str(self.args["kind"])) if self.kind is Finding.MORE else self.kind
        return kind not in NOTES
