"""
Fakes: phishing in the form of reports on held, failed or full mail, as strangers send it.

Written for these tests in many languages, after no sample: each wants a click, a scan, credentials or a file opened,
in the name of Harbor's mail system or of none.
"""

from __future__ import annotations

from typing import Final

from tests.evidence.letter import SENDS_FOR, TO, Host, Letter

LINE: Final = Host("host-66.dyn.isp.example", "198.18.66.66")
CABLE: Final = Host("ip-198-18-67-9.cable.isp.example", "198.18.67.9")
NAMELESS: Final = Host("ylmf-pc", "198.18.68.4", named=False)
VPS: Final = Host("vm-4410.cheaprack.example", "198.18.69.10")
SHOP: Final = Host("cpanel3.brokenshop.example", "198.18.70.3")
"""A shop's web server that was broken into."""
THROWN: Final = Host("mail.quickmail-update.example", "198.18.71.5")
"""A machine rented for a day, with a domain of its own."""
BULK: Final = Host("o4.sendgrove.example", "198.18.72.4")
"""One that sends for thousands, with a stolen account."""

SENDS_FOR.update({BULK.name: frozenset({"sendgrove.example"}), SHOP.name: frozenset({"brokenshop.example"})})

_CODED: Final = "YW5uQGhhcmJvci5leGFtcGxl"


def _fake(language: str, host: Host, author: str, subject: str, text: str, path: str = "", *signs: str, files: tuple[tuple[str, str], ...] = (), status: str = "") -> Letter:
    parts = (("message/delivery-status", status),) if status else ()
    return Letter("fake", language, host, author, subject, text, path=path, signed_by=signs, files=files, parts=parts)


_STATUS: Final = "Reporting-MTA: dns; mail.harbor.example\n\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: 4.4.7\n"
_HTM: Final = (("Undelivered_Messages.htm", "text/html"),)
_QR: Final = (("scan.png", "image/png"),)

FAKES: Final = (
    # held and failed mail, in our name
    _fake("en", LINE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "5 incoming messages on hold", f"Your mailbox {TO} could not receive 5 messages.\n[Release to inbox|https://inbox.relay-portal.example/r?u={TO}]"),
    _fake("de", NAMELESS, "Postmaster <postmaster@harbor.example>", "5 E-Mails konnten nicht zugestellt werden", f"Ihr Postfach {TO} hat 5 Nachrichten zurückgehalten.\n[Nachrichten freigeben|https://webmail.relay-portal.example/de?u={TO}]"),
    _fake("fr", CABLE, "Serveur de messagerie <no-reply@harbor.example>", "5 messages non remis dans votre boîte", f"Des messages pour {TO} sont bloqués.\n[Récupérer les messages|https://acces.relay-portal.example/fr#{TO}]", "web@isp.example"),
    _fake("es", LINE, "Administrador de correo <admin@harbor.example>", "No se pudo entregar: 7 mensajes pendientes", f"El buzón {TO} tiene mensajes retenidos.\n[Liberar mensajes|https://correo.relay-portal.example/?c={_CODED}]"),
    _fake("it", VPS, "harbor.example Postmaster <postmaster@harbor.example>", "Messaggi non consegnati per la sua casella", f"La casella {TO} ha 4 messaggi in attesa.\n[Rilascia i messaggi|https://posta.relay-portal.example/it?m={TO}]", "root@cheaprack.example"),
    _fake("pt", LINE, "Sistema de correio <mailer-daemon@harbor.example>", "Não foi possível entregar 6 mensagens", f"A caixa {TO} está bloqueada.\n[Libertar mensagens|https://caixa.relay-portal.example/pt?u={TO}]"),
    _fake("nl", CABLE, "Mail Server <server@harbor.example>", "6 berichten niet bezorgd", f"Berichten voor {TO} worden vastgehouden.\n[Berichten vrijgeven|https://mail.relay-portal.example/nl?u={TO}]"),
    _fake("pl", NAMELESS, "Administrator poczty <admin@harbor.example>", "Niedostarczone wiadomości: 4", f"Skrzynka {TO} wstrzymała 4 wiadomości.\n[Zwolnij wiadomości|https://poczta.relay-portal.example/pl?u={TO}]"),
    _fake("ru", LINE, "Почтовая система <postmaster@harbor.example>", "Не удалось доставить 8 писем", f"Для ящика {TO} задержано 8 писем.\n[Получить письма|https://pochta.relay-portal.example/?u={TO}]"),
    _fake("tr", CABLE, "Posta Sunucusu <postmaster@harbor.example>", "6 ileti teslim edilemedi", f"{TO} kutusunda bekleyen iletiler var.\n[İletileri al|https://posta.relay-portal.example/tr?u={TO}]"),
    _fake("ja", VPS, "メール配信システム <postmaster@harbor.example>", "配信不能: 保留中のメール 5 件", f"{TO} 宛てのメールが保留されています。\n[メールを受信する|https://mail.relay-portal.example/ja?u={TO}]"),
    _fake("zh", LINE, "邮件系统 <postmaster@harbor.example>", "无法投递: 5 封邮件被退回", f"{TO} 的邮件被暂停接收。\n[接收邮件|https://mail.relay-portal.example/zh?u={TO}]"),
    # in the form of a report
    _fake("en", SHOP, "Mail Delivery Subsystem <mailer-daemon@brokenshop.example>", "Undelivered Mail Returned to Sender", f"Verify {TO} to resend your message.\n[Verify now|https://files.objectstore.example/b/login.html#{TO}]", status=_STATUS.format(to="sales@brokenshop.example")),
    _fake("de", VPS, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Unzustellbar: Ihre Nachricht", f"Bestätigen Sie {TO}, um die Nachricht erneut zu senden.\n[Jetzt bestätigen|https://files.objectstore.example/b/de.html#{TO}]", status=_STATUS.format(to="info@lieferant.example")),
    _fake("fr", LINE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Non remis : votre message", f"Validez {TO} pour renvoyer.\n[Valider|https://files.objectstore.example/b/fr.html?e={_CODED}]", status=_STATUS.format(to="info@fournisseur.example")),
    _fake("es", NAMELESS, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "No se puede entregar: su mensaje", f"Valide {TO}.\n[Validar|https://files.objectstore.example/b/es.html?e={TO}]", status=_STATUS.format(to="info@proveedor.example")),
    # full mailboxes, closed accounts, passwords
    _fake("en", SHOP, "harbor.example Admin <info@brokenshop.example>", "Mailbox storage full: 9 messages returned to sender", f"{TO} has used all its space.\n[Add space|https://quota.growform.example/harbor?u={TO}]", "info@brokenshop.example"),
    _fake("de", BULK, "IT-Support harbor.example <kontakt@brokenshop.example>", "Postfach voll: Nachrichten werden zurückgewiesen", f"Ihr Speicher ist belegt. Melden Sie sich an, sonst wird {TO} gesperrt.\n[Speicher erweitern|https://speicher.growform.example/?u={TO}]", "b1@sendgrove.example", "sendgrove.example"),
    _fake("fr", SHOP, "Support harbor.example <info@brokenshop.example>", "Boîte pleine : messages non remis", f"Connectez-vous pour garder {TO}.\n[Augmenter|https://quota.growform.example/fr?u={TO}]", "info@brokenshop.example"),
    _fake("es", BULK, "Soporte harbor.example <hola@brokenshop.example>", "Buzón lleno: mensajes no entregados", f"Inicie sesión para conservar {TO}.\n[Ampliar|https://quota.growform.example/es?u={TO}]", "b2@sendgrove.example", "sendgrove.example"),
    _fake("it", LINE, "Supporto IT <it@harbor.example>", "Casella piena: messaggi non consegnati", f"Acceda per conservare {TO}.\n[Aumenta|https://quota.growform.example/it?u={TO}]"),
    _fake("pl", SHOP, "Wsparcie harbor.example <info@brokenshop.example>", "Skrzynka pełna: niedostarczone wiadomości", f"Zaloguj się, aby zachować {TO}.\n[Powiększ|https://quota.growform.example/pl?u={TO}]", "info@brokenshop.example"),
    _fake("sv", CABLE, "IT-support <support@harbor.example>", "Brevlådan är full: meddelanden kunde inte levereras", f"Logga in för att behålla {TO}.\n[Utöka|https://quota.growform.example/sv?u={TO}]"),
    _fake("ko", VPS, "메일 시스템 <postmaster@harbor.example>", "메일 배달 실패: 편지함이 가득 찼습니다", f"{TO} 로그인이 필요합니다.\n[용량 늘리기|https://quota.growform.example/ko?u={TO}]"),
    _fake("cs", LINE, "Správce pošty <postmaster@harbor.example>", "Nedoručitelné zprávy: schránka je plná", f"Přihlaste se a ponechte si {TO}.\n[Zvětšit|https://quota.growform.example/cs?u={TO}]"),
    _fake("en", THROWN, "Webmail Support <support@quickmail-update.example>", f"Undelivered messages for {TO}", f"7 mails are pending on {TO}. Sign in with your password to get them.\n[Sign in|https://login.quickmail-update.example/?u={TO}]", "support@quickmail-update.example"),
    _fake("en", NAMELESS, "Webmail Admin <admin@webdesk-help.example>", f"Pending messages for {TO}", f"11 mails are pending on {TO}.\n[Sign in|https://login.webdesk-help.example/?u={TO}]", "admin@webdesk-help.example"),
    _fake("de", LINE, "Webmail <admin@webdesk-help.example>", f"Nicht zugestellte E-Mails für {TO}", f"11 E-Mails wurden nicht zugestellt an {TO}.\n[Anmelden|https://anmelden.webdesk-help.example/?u={TO}]", "admin@webdesk-help.example"),
    # files that open a form, or run
    _fake("en", LINE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Undelivered messages for you", "Open the attached file to read your undelivered messages.", files=_HTM),
    _fake("de", CABLE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Unzustellbare Nachrichten", "Öffnen Sie die Datei, um die Nachrichten zu lesen.", files=(("Nachrichten.html", "text/html"),)),
    _fake("fr", NAMELESS, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Message non remis", "Ouvrez le fichier joint.", files=(("message.zip", "application/zip"),)),
    _fake("es", LINE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "No se pudo entregar su mensaje", "Abra el archivo adjunto.", files=(("mensaje.shtml", "text/html"),)),
    _fake("it", CABLE, "Mail Delivery System <mailer-daemon@harbor.example>", "Messaggio non consegnato", "Apra il file allegato.", files=(("messaggio.svg", "image/svg+xml"),)),
    _fake("pt", VPS, "Postmaster <postmaster@harbor.example>", "Mensagem não entregue", "Abra o anexo para ver a mensagem.", "web@cheaprack.example", files=(("mensagem.htm", "text/html"),)),
    _fake("pl", LINE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Niedostarczona wiadomość", "Otwórz załącznik.", files=(("wiadomosc.iso", "application/octet-stream"),)),
    _fake("ru", NAMELESS, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Сообщение не доставлено", "Откройте вложение.", files=(("soobshenie.js", "text/javascript"),)),
    # codes to scan
    _fake("en", LINE, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Delivery failed: 3 messages on hold", "Scan the QR code with your phone to release your messages.", files=_QR),
    _fake("de", NAMELESS, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Zustellung fehlgeschlagen: 3 Nachrichten", "Scannen Sie den QR-Code, um die Nachrichten freizugeben.", files=_QR),
    _fake("ja", CABLE, "メールシステム <postmaster@harbor.example>", "配信エラー: 未配信メール", "QRコードを読み取ってください。", files=_QR),
    # without the address, to a form anywhere
    _fake("en", SHOP, "harbor.example Mail Server <info@brokenshop.example>", "Message delivery failure: 6 pending messages", "Your server holds 6 pending messages.\n[Retrieve messages|https://harbor-mail.sitebuilder.example/form]", "info@brokenshop.example", "brokenshop.example"),
    _fake("de", LINE, "Mailzustellsystem <MAILER-DAEMON@harbor.example>", "Unzustellbare Nachrichten in der Warteschlange", "Sechs Nachrichten warten.\n[Nachrichten abrufen|https://harbor-mail.sitebuilder.example/formular]"),
    _fake("it", CABLE, "Sistema di posta <MAILER-DAEMON@harbor.example>", "Impossibile recapitare i messaggi", "Sei messaggi in attesa.\n[Recupera|https://harbor-mail.sitebuilder.example/modulo]"),
    # with our own pages beside the lure, and through a service that has signed
    _fake("en", VPS, "Mail Delivery System <MAILER-DAEMON@harbor.example>", "Undelivered mail: sync error", f"[harbor.example|https://www.harbor.example/] holds mail for {TO}.\n[Fix it|https://sync.relay-portal.example/x?u={TO}]"),
    _fake("en", BULK, "harbor.example Postmaster <postmaster@harbor.example>", "Delivery failure: 4 messages held", f"[Review messages|https://u41.ct.sendgrove.example/ls/click?e={TO}]", "b3@sendgrove.example", "sendgrove.example"),
    _fake("fr", BULK, "Administrateur système <postmaster@harbor.example>", "Échec de la remise : 4 messages retenus", f"[Vérifier|https://u41.ct.sendgrove.example/ls/click?e={TO}]", "b4@sendgrove.example", "sendgrove.example"),
)  # fmt: skip
