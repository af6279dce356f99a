"""
The nouns of the product, frozen, in order of appearance.

What flows through the pipeline is one of these: a connector lists a `Folder` and yields a
`Heading` and then a `Message`; reading makes a `Notice` of it; rules that know the `Known` find
`Evidence`; judging gives a `Verdict`; the policy a `Plan`; an action an `Outcome`, kept as an
`Entry` of the journal.

Times are aware datetimes, durations `timedelta`, sizes bytes. Addresses are kept as they were read;
compare them with `address_key`. A field of a mail is its value, `ABSENT` (the mail does not have
it) or `UNKNOWN` (the connector could not see it: Exchange rebuilds mail and drops fields), and no
rule takes the one for the other.
"""

from __future__ import annotations

from cleaner.values.acting import (
    LANGUAGES,
    ActionName,
    Entry,
    EntryState,
    Outcome,
    Plan,
    Policy,
    Rhythm,
    Safety,
    SeenNotice,
)
from cleaner.values.alert import Alert
from cleaner.values.fields import (
    ABSENT,
    MAX_HEADER_BYTES,
    MAX_HEADER_FIELDS,
    MAX_SUBJECT,
    UNKNOWN,
    Field,
    IPAddress,
    IPNetwork,
    Missing,
    address_key,
    domain_of,
    subject_key,
)
from cleaner.values.judgement import Evidence, Force, Ground, Opinion, Side, Verdict
from cleaner.values.known import (
    Alarm,
    Arrival,
    BatvKey,
    DkimKey,
    FoundKeys,
    Habits,
    HmacKey,
    HostQuestion,
    HostsView,
    Known,
    Lesson,
    Machine,
    ObservedSender,
    Organisation,
    OutgoingMail,
    OutsideSender,
    Owner,
    Place,
    SeenBy,
    Selector,
    SenderPolicy,
    SentMail,
    SentQuestion,
    SentRecordView,
    Share,
    StrangerSeen,
)
from cleaner.values.learning import Advice, LabelPolicy, Proposal, Specimen
from cleaner.values.mail import Folder, FolderRole, Headers, Heading, Listing, Message
from cleaner.values.notice import Completeness, Hop, Kind, Notice, Recipient, Returned

__all__ = [
    "ABSENT",
    "LANGUAGES",
    "MAX_HEADER_BYTES",
    "MAX_HEADER_FIELDS",
    "MAX_SUBJECT",
    "UNKNOWN",
    "ActionName",
    "Advice",
    "Alarm",
    "Alert",
    "Arrival",
    "BatvKey",
    "Completeness",
    "DkimKey",
    "Entry",
    "EntryState",
    "Evidence",
    "Field",
    "Folder",
    "FolderRole",
    "Force",
    "FoundKeys",
    "Ground",
    "Habits",
    "Headers",
    "Heading",
    "HmacKey",
    "Hop",
    "HostQuestion",
    "HostsView",
    "IPAddress",
    "IPNetwork",
    "Kind",
    "Known",
    "LabelPolicy",
    "Lesson",
    "Listing",
    "Machine",
    "Message",
    "Missing",
    "Notice",
    "ObservedSender",
    "Opinion",
    "Organisation",
    "Outcome",
    "OutgoingMail",
    "OutsideSender",
    "Owner",
    "Place",
    "Plan",
    "Policy",
    "Proposal",
    "Recipient",
    "Returned",
    "Rhythm",
    "Safety",
    "SeenBy",
    "SeenNotice",
    "Selector",
    "SenderPolicy",
    "SentMail",
    "SentQuestion",
    "SentRecordView",
    "Share",
    "Side",
    "Specimen",
    "StrangerSeen",
    "Verdict",
    "address_key",
    "domain_of",
    "subject_key",
]
