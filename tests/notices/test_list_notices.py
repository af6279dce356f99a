"""What programs of mailing lists write to somebody about his mail, make by make; and what lists write otherwise."""

from __future__ import annotations

from typing import Final

import pytest

from cleaner.values import Completeness, Kind
from tests.notices.letters import ANN, BOB, SENT, parts, raw, read

L: Final = "lists.far.example"
POST: Final = SENT.replace("To: bob@far.example", f"To: sailors@{L}")
"""What she wrote to the list."""
OTHERS: Final = POST.replace(f"From: Ann <{ANN}>", "From: Eve <eve@quay.example>").replace(
    "tide.1@harbor", "e.1@quay"
)
HEX: Final = "0123456789abcdef0123456789abcdef01234567"
MAILMAN2: Final = (
    f"Precedence: bulk\nX-BeenThere: sailors@{L}\nX-Mailman-Version: 2.1.39\nList-Id: <sailors.{L}>\n"
    f'X-List-Administrivia: yes\nErrors-To: sailors-bounces@{L}\nSender: "Sailors" <sailors-bounces@{L}>\n'
)
MAILMAN3: Final = f"Precedence: bulk\nX-Mailman-Version: 3.3.9\nList-Id: Sailors <sailors.{L}>\n"
FULL: Final = f"List-Post: <mailto:sailors@{L}>\nList-Unsubscribe: <mailto:sailors-leave@{L}>\n"
EZMLM: Final = f"Mailing-List: contact sailors-help@{L}; run by ezmlm\nList-Post: <mailto:sailors@{L}>\n"
AUTO: Final = "Auto-Submitted: auto-replied\n"

# the words for "awaits approval" and "refused" do not matter: subject, text
WORDS: Final = {
    "English": (
        "Your message to Sailors awaits moderator approval",
        "Is being held until it can be reviewed.",
    ),
    "German": (
        "Ihre Nachricht an Sailors wartet auf Freigabe",
        "Sie wird zurückgehalten, bis sie geprüft ist.",
    ),
    "French": ("Votre message pour Sailors est en attente d'approbation", "Il est retenu."),
    "Icelandic": ("Bréfið til Sailors bíður", "Það bíður þar til umsjónarmaður hefur skoðað það."),
    "Basque": ("Sailors zerrendara bidalitako mezua zain dago", "Zerrendaren kudeatzaileak aztertu arte."),
    "Armenian": ("Ձեր նամակը սպասում է", "Այն պահված է մինչև վարողը նայի։"),
    "Japanese": ("Sailors への投稿が保留されました", "司会者が確認するまで保留されています。"),
    "Arabic": ("رسالتك إلى القائمة تنتظر الموافقة", "الرسالة محجوزة حتى يراجعها المشرف."),
    "Greek": ("Το μήνυμά σας στη λίστα περιμένει", "Κρατείται μέχρι να το δει ο συντονιστής."),
}
LANGUAGES: Final = pytest.mark.parametrize(("subject", "said"), WORDS.values(), ids=WORDS)


def brought(text: str, mail: str = POST) -> dict[str, str]:
    """A text with a mail attached."""
    body = parts(("text/plain; charset=utf-8", text), ("message/rfc822", mail))
    return {"body": body, "kind": "multipart/mixed; boundary=b"}


@LANGUAGES
def test_mailman_2_holds_a_mail(subject: str, said: str) -> None:
    link = f"http://{L}/mailman/confirm/sailors/{HEX}\n"
    robot = f"sailors-bounces@{L}"
    notice = read(
        robot, subject, f"'Sailors'\n\n    Tide tables\n\n{said}\n\n{link}", path=robot, more=MAILMAN2
    )
    assert (notice.kind, notice.family) == (Kind.LIST_NOTICE, "mailman")
    assert notice.recipients == ()


@LANGUAGES
def test_mailman_3_holds_a_mail(subject: str, said: str) -> None:
    notice = read(
        f"sailors-owner@{L}", subject, f"Tide tables\n\n{said}", path=f"sailors-bounces@{L}", more=MAILMAN3
    )
    assert notice.kind is Kind.LIST_NOTICE


@LANGUAGES
@pytest.mark.parametrize("program", [MAILMAN2, MAILMAN3, ""], ids=["Mailman 2", "Mailman 3", "another"])
def test_a_refused_mail_comes_back_under_its_own_subject(subject: str, said: str, program: str) -> None:
    """As Mailman does; the subject is the mail's, and says nothing."""
    sent = {"path": f"sailors-bounces@{L}", "more": program, **brought(said)}
    notice = read(f"sailors-owner@{L}", "Tide tables", **sent)
    assert notice.kind is Kind.LIST_NOTICE
    assert notice.returned.completeness is Completeness.WHOLE
    assert (notice.returned.message_id, notice.returned.from_addresses) == ("<tide.1@harbor.example>", (ANN,))
    assert notice.recipients == ()


# make → author, envelope sender, subject, more fields, what it says
MAKES: Final = {
    "ezmlm, returned by its moderator": (
        f"sailors-help@{L}",
        f"sailors-return-@{L}",
        f"Returned post for sailors@{L}",
        EZMLM,
        brought("I'm sorry."),
    ),
    "ezmlm, denied": (
        f"sailors-help@{L}",
        "",
        "ezmlm response",
        EZMLM,
        {"body": f"Your post to sailors@{L} is not allowed."},
    ),
    "ezmlm, to be confirmed": (
        f"sailors-help@{L}",
        "",
        "ezmlm response",
        EZMLM + f"Reply-To: <sailors-sc.1604312345.abcdefghij-ann=harbor.example@{L}>\n",
        {"body": "Reply to confirm."},
    ),
    "majordomo": (
        f"Majordomo@{L}",
        f"Majordomo-Owner@{L}",
        "Majordomo results: subscribe sailors",
        "",
        {"body": ">>>> ok"},
    ),
    "majordomo 2, stalled": (
        f"sailors-owner@{L}",
        f"sailors-owner@{L}",
        "Stalled post to sailors",
        "Precedence: bulk\n",
        {"body": f"Your message to the sailors list (sailors@{L}) must be approved."},
    ),
    "majordomo 2, denied": (
        f"sailors-owner@{L}",
        f"sailors-owner@{L}",
        "Denied post to sailors",
        "",
        brought("Denied."),
    ),
    "listserv, rejected": (
        f'"L-Soft list server at FAR (16.0)" <LISTSERV@{L}>',
        f"LISTSERV@{L}",
        f"Rejected posting to SAILORS@{L}",
        "",
        brought(f"You are not authorized to send mail to the SAILORS list from your {ANN} account."),
    ),
    "listserv, held": (
        f'"L-Soft list server at FAR (16.0)" <LISTSERV@{L}>',
        "",
        "Message forwarded to moderator",
        "",
        {"body": "Your message has been submitted to the moderator."},
    ),
    "listserv, to be confirmed": (
        f"LISTSERV@{L}",
        f"owner-LISTSERV@{L}",
        "Command confirmation request (1A2B3C4D)",
        "",
        {"body": "OK?"},
    ),
    "sympa, refused": (
        f"SYMPA <sympa@{L}>",
        f"sympa-owner@{L}",
        "Distribution: sailors",
        "Auto-Submitted: auto-replied\n" + "X-Loop: sympa\n",
        brought("Vous n'êtes pas autorisé"),
    ),
    "sympa, waits": (
        f"sailors-request@{L}",
        f"sailors-owner@{L}",
        "Votre message est en attente",
        AUTO,
        {"body": "Il attend."},
    ),
    "sympa, with the precedence of a list": (
        f"SYMPA <sympa@{L}>",
        f"sympa-owner@{L}",
        "Bréf",
        "Precedence: list\n" + AUTO,
        {"body": "Ekki leyft."},
    ),
    "sympa, in words of nobody": (
        f"SYMPA <sympa@{L}>",
        f"sympa-owner@{L}",
        "Bréf",
        AUTO,
        {"body": "Ekki leyft."},
    ),
    "mlmmj, moderated": (
        f"sailors+owner@{L}",
        f"sailors+bounces-help@{L}",
        f"Your post to sailors@{L} awaits",
        "",
        {"body": "It waits."},
    ),
    "mlmmj, with a dash": (
        f"sailors-owner@{L}",
        f"sailors-bounces-help@{L}",
        "Bréf",
        "",
        brought("Ekki leyft."),
    ),
    "ecartis": (
        f"Ecartis <ecartis@{L}>",
        f"ecartis-bounce@{L}",
        "Ecartis command results: who sailors",
        "X-ecartis-version: 1\n",
        {"body": "x"},
    ),
    "lyris": (f"lyris-noreply@{L}", "", "re: your submission", "", {"body": "Your submission was refused."}),
    "smartlist": (
        f"sailors-request@{L}",
        f"sailors-request@{L}",
        "Tide tables",
        "Precedence: junk\n" + AUTO,
        brought("Not a member"),
    ),
    "google groups, refused": (
        "Sailors <sailors+noreply@googlegroups.com>",
        "",
        "Tide tables",
        AUTO,
        brought("Your message was not posted.", POST.replace(L, "googlegroups.com")),
    ),
    "google groups, waits": (
        "Google Groups <noreply@googlegroups.com>",
        "sailors+bncBC@googlegroups.com",
        "Your post to sailors is awaiting approval",
        "X-Google-Group-Id: 123\n",
        {"body": "sailors@googlegroups.com will review it."},
    ),
    "groups.io, waits": (
        "sailors@groups.io Moderators <sailors+owner@groups.io>",
        "bounce+1+2@groups.io",
        "Your message to sailors@groups.io is pending",
        AUTO,
        {"body": "It is pending approval."},
    ),
    "groups.io, refused": (
        "sailors@groups.io <noreply@groups.io>",
        "bounce+1+2@groups.io",
        "Your message was rejected",
        "",
        brought("Not posted.", POST.replace(L, "groups.io")),
    ),
    "schleuder": (
        f"sailors-bounce@{L}",
        f"sailors-bounce@{L}",
        "Tide tables",
        AUTO,
        brought("Only members may write."),
    ),
    "phplist": (
        f"sailors-admin@{L}",
        "",
        "Message refused",
        "X-MessageID: systemmessage\n",
        brought("Only admins may write."),
    ),
    "quoted": (
        f"sailors-owner@{L}",
        f"sailors-bounces@{L}",
        "Bréf",
        "",
        {"body": f"Ekki leyft.\n\n{POST}"},
    ),
    "headers alone": (
        f"sailors-owner@{L}",
        f"sailors-bounces@{L}",
        "Bréf",
        "",
        {
            "body": parts(("text/plain", "No."), ("text/rfc822-headers", POST.partition("\n\n")[0] + "\n")),
            "kind": "multipart/mixed; boundary=b",
        },
    ),
    "discourse": (
        "Harbour Forum <noreply@forum.far.example>",
        "bounce+f00@forum.far.example",
        "[Harbour Forum] Email issue -- Unknown Account",
        "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n",
        {"body": 'Your message to ["reply@forum.far.example"] did not work.'},
    ),
}


@pytest.mark.parametrize("name", MAKES)
def test_reads_what_every_make_says_of_a_mail(name: str) -> None:
    author, path, subject, more, what = MAKES[name]
    notice = read(author, subject, **what, path=path, more=more)
    assert notice.kind is Kind.LIST_NOTICE
    if "multipart" in what.get("kind", "") or name == "quoted":
        assert notice.returned.message_id == "<tide.1@harbor.example>"
        assert notice.returned.completeness in (Completeness.WHOLE, Completeness.HEADERS)
        assert notice.returned.hops[0].by == "mx.harbor.example"
    else:
        assert notice.returned.completeness is Completeness.NONE


# what a list sends out, and what its managers get: author, envelope sender, subject, more fields, body
NEAR: Final = {
    "a post": (
        BOB,
        f"sailors-bounces@{L}",
        "[Sailors] Your message to Sailors",
        MAILMAN2 + FULL,
        {"body": "Hello"},
    ),
    "a post under the list's name": (
        f"Bob via Sailors <sailors@{L}>",
        f"sailors-bounces@{L}",
        "[Sailors] moderation",
        MAILMAN3 + FULL,
        {"body": "Hello"},
    ),
    "a post that brings her mail": (
        BOB,
        f"sailors-bounces@{L}",
        "Fwd: Tide tables",
        MAILMAN2 + FULL,
        brought("Look."),
    ),
    "a post to a list of moderators": (
        BOB,
        f"moderators-bounces@{L}",
        "Re: held for moderation",
        f"List-Id: <moderators.{L}>\n" + FULL,
        {"body": "not a member"},
    ),
    "a newsletter by a robot": (
        f"News <news-admin@{L}>",
        f"news-bounces@{L}",
        "Subscribe to our new list",
        f"List-Id: <news.{L}>\n" + FULL,
        {"body": "Hello"},
    ),
    "passwords of a month": (
        f"mailman-owner@{L}",
        f"mailman-bounces@{L}",
        f"{L} mailing list memberships reminder",
        f"Precedence: bulk\nX-BeenThere: mailman@{L}\nX-Mailman-Version: 2.1.39\nList-Id: <mailman.{L}>\n",
        {"body": "This is a reminder, sent out once a month."},
    ),
    "somebody's mail, to be moderated": (
        f"sailors-owner@{L}",
        f"sailors-bounces@{L}",
        "Sailors post from eve@quay.example requires approval",
        MAILMAN2,
        brought("Approve?", OTHERS),
    ),
    "somebody's mail, to be moderated by mlmmj": (
        f"sailors+owner@{L}",
        f"sailors+bounces-help@{L}",
        f"Moderation needed for sailors@{L}",
        "",
        brought("Approve?", OTHERS),
    ),
    "several mails, to be moderated": (
        f"sailors-owner@{L}",
        f"sailors-bounces@{L}",
        "2 Sailors moderator requests waiting",
        MAILMAN2,
        {
            "body": parts(("text/plain", "Two"), ("message/rfc822", POST), ("message/rfc822", OTHERS)),
            "kind": "multipart/mixed; boundary=b",
        },
    ),
    "a clinic": (
        "Clinic <clinic-admin@far.example>",
        "clinic-admin@far.example",
        "Please confirm your appointment",
        "",
        {"body": "Write to clinic@far.example."},
    ),
    "a desk for requests": (
        "IT <it-request@far.example>",
        "it-request@far.example",
        "Your subscription of the canteen",
        "",
        {"body": "It ends soon."},
    ),
    "a code for signing in": (
        f"shop-confirm@{L}",
        f"shop-confirm@{L}",
        "confirm 12345678",
        "",
        {"body": "Your code: 12345678"},
    ),
    "a desk that acknowledges": (
        f"orders-noreply@{L}",
        f"orders-noreply@{L}",
        "Thank you",
        "",
        {"body": f"We have your mail.\n\n{POST.replace('sailors@', 'orders@')}"},
    ),
    "an owner by hand": (
        f"Eve <sailors-owner@{L}>",
        f"eve@{L}",
        "Tide tables",
        "",
        {"body": "Nice tables, thank you."},
    ),
    "an owner who answers": (
        f"Eve <sailors-owner@{L}>",
        f"eve@{L}",
        "Re: Tide tables",
        "In-Reply-To: <tide.1@harbor.example>\n",
        {"body": "Thanks"},
    ),
}


@pytest.mark.parametrize("name", NEAR)
def test_what_lists_write_otherwise_is_no_notice(name: str) -> None:
    author, path, subject, more, what = NEAR[name]
    assert read(author, subject, **what, path=path, more=more).kind is Kind.NOT_A_BOUNCE


@pytest.mark.parametrize(
    "author", [f"sailors-request@{L}", f"SAILORS automatic digest system <LISTSERV@{L}>"]
)
@pytest.mark.parametrize(
    "more", [MAILMAN2, MAILMAN2 + FULL, "", AUTO], ids=["reduced", "full", "bare", "automatic"]
)
def test_a_digest_is_no_notice(author: str, more: str) -> None:
    """It goes to the list, and what stands in it may be hers."""
    for what in (brought("Topics: Tide tables"), {"body": f"Today's topics: subscription\n\n{POST}"}):
        for to in (f"sailors@{L}", f"Recipients of SAILORS digests <SAILORS@{L}>"):
            read_one = read(
                author,
                "Sailors Digest, Vol 3, Issue 2",
                **what,
                to=to,
                path=f"sailors-bounces@{L}",
                more=more,
            )
            assert read_one.kind is Kind.NOT_A_BOUNCE


def test_what_a_manager_gets_for_his_list_is_no_notice() -> None:
    for subject in ("Sailors subscription notification", "Uncaught bounce notification", "Bréf"):
        sent = {"to": f"sailors-owner@{L}", "path": f"mailman-bounces@{L}", "more": MAILMAN2}
        assert read(f"mailman-bounces@{L}", subject, "ann joined", **sent).kind is Kind.NOT_A_BOUNCE


def test_a_report_by_a_list_manager_is_a_report() -> None:
    """Sympa refuses in the form of RFC 3464 too."""
    status = (
        f"Reporting-MTA: dns; {L}\n\nFinal-Recipient: rfc822; sailors@{L}\nAction: failed\nStatus: 5.7.1\n"
    )
    body = parts(("text/plain", "Refused"), ("message/delivery-status", status), ("message/rfc822", POST))
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    notice = read(f"SYMPA <sympa@{L}>", "Refused", body, path="", kind=kind)
    assert (notice.kind, [found.address for found in notice.recipients]) == (Kind.NDR, [f"sailors@{L}"])


def test_the_mail_in_a_refusal_keeps_its_bytes() -> None:
    notice = read(f"sailors-owner@{L}", "Tide tables", **brought("No."), path=f"sailors-bounces@{L}")
    assert notice.returned.raw.rstrip() == POST.encode().rstrip()
    assert raw(BOB, "x", "y")
