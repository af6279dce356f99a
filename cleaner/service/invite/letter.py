"""
The invitation as a message, in plain text.

Like the digest it comes from the mailbox's own address and is not sent, so that nothing answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

NAME: Final = "Bounce Cleaner"


@dataclass(frozen=True, slots=True)
class Letter:
    """All that an invitation tells."""

    address: str
    language: str
    quarantine: str
    by: str
    """Who asks."""
    code: str
    now: datetime
    until: datetime
    zone: tzinfo

    @property
    def wording(self) -> Wording:
        return WORDINGS[self.language]

    def text(self) -> str:
        words = self.wording
        told = (words.what, words.kept, words.how, words.code.format(code=self.code), words.otherwise)
        return (
            "\n\n".join(told).format(
                address=self.address,
                folder=self.quarantine,
                by=self.by,
                until=f"{self.until.astimezone(self.zone):%Y-%m-%d}",
            )
            + "\n"
        )


@dataclass(frozen=True, slots=True)
class Wording:
    """One language; with {address}, {folder}, {by}, {until} and {code}."""

    subject: str
    what: str
    kept: str
    how: str
    otherwise: str
    code: str = "        {code}"


ENGLISH: Final = Wording(
    subject="May Bounce Cleaner tidy up your mailbox?",
    what="Others send mail with your address {address} on it, and the automatic answers come to you. Bounce Cleaner "
    "finds these among your mail and moves them to the folder “{folder}”. What speaks of mail that you did send stays "
    "where it is, and everything that was moved can be taken back.",
    kept="For this it reads your inbox and the headers of the mail you sent. Instead of your mail it "
    "keeps codes that cannot be read; only a message that you take back may be kept, encrypted, to learn from it. Every "
    "time your mailbox is opened is written down: you can have the list.",
    how="Nothing is done unless you agree. If you do, give this code to {by} by {until}:",
    otherwise="If you do not want it, do nothing. You can withdraw at any time; what was kept is erased then.",
)
GERMAN: Final = Wording(
    subject="Darf Bounce Cleaner Ihr Postfach aufräumen?",
    what="Andere verschicken Mail unter Ihrer Adresse {address}, und die automatischen Antworten kommen zu Ihnen. "
    "Bounce Cleaner findet sie und verschiebt sie in den Ordner „{folder}“. Was von Mail handelt, die Sie wirklich "
    "geschrieben haben, bleibt, wo es ist, und alles Verschobene kann zurückgeholt werden.",
    kept="Dazu liest es Ihren Posteingang und die Kopfzeilen Ihrer gesendeten Mail. Statt Ihrer Mail "
    "behält es Zeichen, die niemand lesen kann; nur eine Nachricht, die Sie zurückholen, kann verschlüsselt behalten "
    "werden, um daraus zu lernen. Jedes Öffnen Ihres Postfachs wird festgehalten: Sie können die Liste haben.",
    how="Ohne Ihre Zustimmung geschieht nichts. Wenn Sie einverstanden sind, geben Sie {by} bis zum "
    "{until} diesen Code:",
    otherwise="Wenn Sie es nicht möchten, tun Sie nichts. Sie können jederzeit widerrufen; was behalten wurde, wird "
    "dann gelöscht.",
)
FRENCH: Final = Wording(
    subject="Bounce Cleaner peut-il ranger votre boîte aux lettres ?",
    what="D’autres envoient des messages avec votre adresse {address}, et les réponses automatiques vous parviennent. "
    "Bounce Cleaner les trouve et les déplace dans le dossier « {folder} ». Ce qui concerne des messages que vous avez "
    "vraiment envoyés reste en place, et tout ce qui a été déplacé peut être repris.",
    kept="Pour cela, il lit votre boîte de réception et les en-têtes de vos messages envoyés. À la place de vos "
    "messages, il garde des codes illisibles ; seul un message que vous reprenez peut être gardé, chiffré, pour en "
    "apprendre. Chaque ouverture de votre boîte est notée : vous pouvez en demander la liste.",
    how="Rien ne se fait sans votre accord. Si vous êtes d’accord, donnez ce code à {by} avant le {until} :",
    otherwise="Si vous ne le souhaitez pas, ne faites rien. Vous pouvez vous retirer à tout moment ; ce qui a été gardé "
    "est alors effacé.",
)
SPANISH: Final = Wording(
    subject="¿Puede Bounce Cleaner ordenar su buzón?",
    what="Otros envían correo con su dirección {address}, y las respuestas automáticas le llegan a usted. Bounce "
    "Cleaner las encuentra y las mueve a la carpeta «{folder}». Lo que trata de correo que usted sí envió se queda "
    "donde está, y todo lo movido se puede recuperar.",
    kept="Para ello lee su bandeja de entrada y las cabeceras de su correo enviado. En lugar de su correo "
    "guarda códigos ilegibles; solo un mensaje que usted recupere puede guardarse, cifrado, para aprender "
    "de él. Cada apertura de su buzón queda anotada: puede pedir la lista.",
    how="No se hace nada sin su acuerdo. Si está de acuerdo, dé este código a {by} antes del {until}:",
    otherwise="Si no lo desea, no haga nada. Puede retirarse en cualquier momento; lo guardado se borra entonces.",
)
JAPANESE: Final = Wording(
    subject="Bounce Cleaner でメールボックスを整理してもよろしいですか",
    what="第三者があなたのアドレス {address} を騙ってメールを送り、その自動応答があなたに届いています。Bounce Cleaner は"
    "それらを見つけてフォルダー「{folder}」に移します。あなたが実際に送ったメールに関する通知はそのまま残り、"
    "移したものはすべて元に戻せます。",
    kept="そのために受信トレイと送信済みメールのヘッダーを読みます。メールの代わりに読み取れない符号を保存し、"
    "あなたが元に戻したメッセージだけは、学習のため暗号化して保存することがあります。メールボックスを開いた記録はすべて残り、一覧を請求できます。",
    how="同意がなければ何も行いません。同意される場合は、{until} までに次のコードを {by} に伝えてください。",
    otherwise="希望されない場合は何もする必要はありません。いつでも撤回でき、その際、保存されたものは消去されます。",
)
WORDINGS: Final[Mapping[str, Wording]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "ja": JAPANESE,
}


def raw(letter: Letter, message_id: str) -> bytes:
    """The message as it is put into the mailbox."""
    message = EmailMessage(policy=SMTP)
    local, _, domain = letter.address.rpartition("@")
    ours = local.isascii() and domain.isascii()
    message["From"] = Address(NAME, local, domain) if ours else Address(NAME)
    message["To"] = Address("", local, domain) if ours else "undisclosed-recipients:;"
    message["Subject"] = letter.wording.subject
    message["Date"] = format_datetime(letter.now.astimezone(letter.zone))
    message["Message-ID"] = message_id
    message["Content-Language"] = letter.language
    message.set_content(letter.text(), cte="base64")
    return message.as_bytes()
