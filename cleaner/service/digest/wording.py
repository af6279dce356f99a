"""
What a digest says, in the languages that owners are written to in.

Sentences avoid numbers within them, which each language would bend otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cleaner.values import Kind


@dataclass(frozen=True, slots=True)
class Wording:
    """One language."""

    subject: str
    greeting: str
    """With {since} and {now}."""
    why: str
    moved: str
    """Heading of what was moved; with {count}."""
    would: str
    """Heading of what would have been moved while the mailbox is only watched; with {count}."""
    about: str
    """With {recipient} and {subject}."""
    until: str
    """With {date}."""
    more: str
    """With {count}."""
    take_back: str
    """With {folder}."""
    take_back_trash: str
    nothing_done: str
    kinds: Mapping[Kind, str]
    other: str


ENGLISH: Final = Wording(
    subject="What was tidied up in your mailbox",
    greeting="This is what happened in your mailbox from {since} to {now}.",
    why="These automatic messages speak of mail that was not sent from your address: somebody else wrote your "
    "address on it. There is nothing that you have to do.",
    moved="Put aside: {count}",
    would="Would have been put aside: {count}",
    about="about mail to {recipient}: “{subject}”",
    until="kept until {date}",
    more="… and {count} more.",
    take_back="Was one of them about mail of yours? Move it from the folder “{folder}” to the inbox. There it stays, "
    "and it will be learned from.",
    take_back_trash="Was one of them about mail of yours? Move it from the trash to the inbox. There it stays, and it "
    "will be learned from.",
    nothing_done="Your mailbox is only being watched as yet: everything is still in its place.",
    kinds={
        Kind.NDR: "undeliverable mail",
        Kind.DELAY: "delayed mail",
        Kind.AUTOREPLY: "automatic reply",
        Kind.CHALLENGE: "request to confirm",
        Kind.AV_NOTICE: "virus warning",
        Kind.NDR_PHISH: "forged report",
    },
    other="automatic message",
)

GERMAN: Final = Wording(
    subject="Was in Ihrem Postfach aufgeräumt wurde",
    greeting="Das geschah in Ihrem Postfach vom {since} bis zum {now}.",
    why="Diese automatischen Nachrichten handeln von E-Mails, die nicht von Ihrer Adresse aus versandt wurden: "
    "jemand anders hat Ihre Adresse darauf geschrieben. Sie müssen nichts tun.",
    moved="Beiseitegelegt: {count}",
    would="Wäre beiseitegelegt worden: {count}",
    about="über E-Mail an {recipient}: „{subject}“",
    until="aufgehoben bis {date}",
    more="… und {count} weitere.",
    take_back="Ging es doch um eine E-Mail von Ihnen? Verschieben Sie die Nachricht aus dem Ordner „{folder}“ in den "
    "Posteingang. Dort bleibt sie, und das Programm lernt daraus.",
    take_back_trash="Ging es doch um eine E-Mail von Ihnen? Verschieben Sie die Nachricht aus dem Papierkorb in den "
    "Posteingang. Dort bleibt sie, und das Programm lernt daraus.",
    nothing_done="Ihr Postfach wird vorerst nur beobachtet: Alles ist noch an seinem Platz.",
    kinds={
        Kind.NDR: "unzustellbare E-Mail",
        Kind.DELAY: "verzögerte E-Mail",
        Kind.AUTOREPLY: "automatische Antwort",
        Kind.CHALLENGE: "Bitte um Bestätigung",
        Kind.AV_NOTICE: "Virenwarnung",
        Kind.NDR_PHISH: "gefälschter Bericht",
    },
    other="automatische Nachricht",
)

FRENCH: Final = Wording(
    subject="Ce qui a été rangé dans votre boîte aux lettres",
    greeting="Voici ce qui s’est passé dans votre boîte aux lettres du {since} au {now}.",
    why="Ces messages automatiques parlent de courriels qui n’ont pas été envoyés depuis votre adresse : quelqu’un "
    "d’autre y a inscrit votre adresse. Vous n’avez rien à faire.",
    moved="Mis de côté : {count}",
    would="Auraient été mis de côté : {count}",
    about="à propos d’un courriel à {recipient} : « {subject} »",
    until="conservé jusqu’au {date}",
    more="… et {count} de plus.",
    take_back="L’un d’eux concernait-il un de vos courriels ? Déplacez-le du dossier « {folder} » vers la boîte de "
    "réception. Il y restera, et le programme en tiendra compte.",
    take_back_trash="L’un d’eux concernait-il un de vos courriels ? Déplacez-le de la corbeille vers la boîte de "
    "réception. Il y restera, et le programme en tiendra compte.",
    nothing_done="Votre boîte aux lettres est seulement observée pour l’instant : tout est encore à sa place.",
    kinds={
        Kind.NDR: "courriel non distribuable",
        Kind.DELAY: "courriel retardé",
        Kind.AUTOREPLY: "réponse automatique",
        Kind.CHALLENGE: "demande de confirmation",
        Kind.AV_NOTICE: "alerte antivirus",
        Kind.NDR_PHISH: "faux rapport",
    },
    other="message automatique",
)

SPANISH: Final = Wording(
    subject="Lo que se ha ordenado en su buzón",
    greeting="Esto es lo que ocurrió en su buzón del {since} al {now}.",
    why="Estos mensajes automáticos hablan de correos que no se enviaron desde su dirección: otra persona escribió "
    "su dirección en ellos. No tiene que hacer nada.",
    moved="Apartados: {count}",
    would="Se habrían apartado: {count}",
    about="sobre un correo para {recipient}: «{subject}»",
    until="se conserva hasta el {date}",
    more="… y {count} más.",
    take_back="¿Alguno trataba de un correo suyo? Muévalo de la carpeta «{folder}» a la bandeja de entrada. Allí se "
    "quedará, y el programa aprenderá de ello.",
    take_back_trash="¿Alguno trataba de un correo suyo? Muévalo de la papelera a la bandeja de entrada. Allí se "
    "quedará, y el programa aprenderá de ello.",
    nothing_done="Por ahora su buzón solo se observa: todo sigue en su sitio.",
    kinds={
        Kind.NDR: "correo que no se pudo entregar",
        Kind.DELAY: "correo retrasado",
        Kind.AUTOREPLY: "respuesta automática",
        Kind.CHALLENGE: "petición de confirmación",
        Kind.AV_NOTICE: "aviso de virus",
        Kind.NDR_PHISH: "informe falso",
    },
    other="mensaje automático",
)

JAPANESE: Final = Wording(
    subject="メールボックスの整理のお知らせ",
    greeting="{since} から {now} までにメールボックスで行われたことをお知らせします。",
    why="これらの自動メッセージは、あなたのアドレスから送信されていないメールに関するものです。第三者があなたの"
    "アドレスを差出人として使いました。特に何かをしていただく必要はありません。",
    moved="移動したもの：{count} 件",
    would="移動するはずだったもの：{count} 件",
    about="{recipient} 宛てのメール「{subject}」について",
    until="{date} まで保管",
    more="ほか {count} 件",
    take_back="ご自身のメールに関するものが含まれていた場合は、フォルダー「{folder}」から受信トレイへ移動してください。"
    "そのまま受信トレイに残り、今後の判断に活かされます。",
    take_back_trash="ご自身のメールに関するものが含まれていた場合は、ごみ箱から受信トレイへ移動してください。"
    "そのまま受信トレイに残り、今後の判断に活かされます。",
    nothing_done="現在は観察のみを行っています。すべてのメールは元の場所にあります。",
    kinds={
        Kind.NDR: "配信できなかったメール",
        Kind.DELAY: "遅延したメール",
        Kind.AUTOREPLY: "自動返信",
        Kind.CHALLENGE: "確認の依頼",
        Kind.AV_NOTICE: "ウイルス警告",
        Kind.NDR_PHISH: "偽の報告",
    },
    other="自動メッセージ",
)

WORDINGS: Final[Mapping[str, Wording]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "ja": JAPANESE,
}
