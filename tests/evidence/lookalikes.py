"""
Honest mail that looks like a report or speaks in Harbor's name, from hosts outside: never removed.

Its kinds are what mailboxes hold besides reports: answers of colleagues by a provider, desks and list programs in the
organisation's name, digests of filters, hosters, parcels, calendars, recalls, receipts. All services are invented, all
names reserved, all addresses for documentation or benchmarks.
"""

from __future__ import annotations

from typing import Final

from tests.evidence.letter import OUR_DOMAIN, SENDS_FOR, TO, Host, Letter

CLOUD: Final = Host("mail-am6eur05on2071.outbound.protection.cloudoffice.example", "198.51.100.101", "provider")
CLOUD6: Final = Host("mail-db8eur03on0617.outbound.protection.cloudoffice.example", "2001:db8:55::617", "provider")
WORK: Final = Host("mail-lj1-f181.workspace.example", "198.51.100.102", "provider")
DESKLY: Final = Host("out-17.deskly.example", "198.51.100.103", "pass")
TIKKA: Final = Host("mailout4.tikka.example", "198.18.4.40")
"""A desk that signs with our key and stands in no policy."""
GRID: Final = Host("a7-21.smtp-out.gridmail.example", "198.18.7.21")
"""One that sends for thousands."""
SIEVE: Final = Host("mx-out-3.sievegate.example", "198.51.100.105")
GUARD: Final = Host("d210.pph-hosted.example", "198.51.100.106")
"""A filter whose machines bear another name than its portal, guardpoint.example."""
HOSTEL: Final = Host("mout.kundenhost.example", "198.51.100.107")
"""A hoster whose machines bear another name than its brand, hostel.example."""
FARM: Final = Host("out7.webfarm.example", "198.51.100.108", "pass")
LISTS: Final = Host("mail2.rosterlists.example", "198.51.100.109")
PARCEL: Final = Host("mta12.parcelrun.example", "198.51.100.110")
PHONE: Final = Host("mx3.ringpbx.example", "198.51.100.111")
BARE: Final = Host("vps-1881.rackspot.example", "198.18.9.188", named=False)
"""A rented machine without a name of its own."""
BRANCH: Final = Host("fritz.branch-office.example", "198.18.30.9")
"""The line of a branch office that nobody listed."""

SENDS_FOR.update(
    {
        GRID.name: frozenset({"gridmail.example", "sievegate.example", "bounce.parcelrun.example"}),
        GUARD.name: frozenset({"guardpoint.example", "pph-hosted.example"}),
        HOSTEL.name: frozenset({"hostel.example", "kundenhost.example"}),
        CLOUD.name: frozenset({"cloudoffice.example", "messaging.cloudoffice.example"}),
    }
)

OURS: Final = (OUR_DOMAIN,)
_ENCODED: Final = "ann%40harbor.example"


def _away(language: str, host: Host, subject: str, text: str, who: str = "Carl") -> Letter:
    fields = (
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
    )
    author = f"{who} <{who.lower()}@harbor.example>"
    return Letter("out of office", language, host, author, subject, text, signed_by=OURS, fields=fields)


AWAY: Final = (
    _away("en", CLOUD, "Automatic reply: Offer for the quay", "I am away until Monday.\nIn urgent cases see [our desk|https://book.slotly.example/harbor?for=ann%40harbor.example]."),
    _away("de", CLOUD, "Automatische Antwort: Angebot Kai 4", "Ich bin bis Montag nicht im Haus. Ihre E-Mail wird nicht weitergeleitet."),
    _away("fr", CLOUD6, "Réponse automatique : Offre quai 4", "Je suis absent jusqu'à lundi. Votre message sera lu à mon retour."),
    _away("es", CLOUD, "Respuesta automática: Oferta muelle 4", "Estoy fuera de la oficina hasta el lunes. Para urgencias: [reserva|https://citas.slotly.example/r/1]."),
    _away("it", WORK, "Risposta automatica: Offerta molo 4", "Sono fuori ufficio fino a lunedì. La posta non viene inoltrata."),
    _away("pt", WORK, "Resposta automática: Oferta cais 4", "Estou ausente até segunda-feira. As mensagens não serão encaminhadas."),
    _away("nl", CLOUD, "Automatisch antwoord: Offerte kade 4", "Ik ben afwezig tot maandag. Uw bericht wordt niet doorgestuurd."),
    _away("pl", CLOUD6, "Automatyczna odpowiedź: Oferta nabrzeże 4", "Jestem nieobecny do poniedziałku. Wiadomości nie są przekazywane."),
    _away("cs", CLOUD, "Automatická odpověď: Nabídka nábřeží", "Do pondělí jsem mimo kancelář."),
    _away("ru", CLOUD, "Автоматический ответ: Предложение", "Меня нет на месте до понедельника. Письмо не доставлено моему заместителю."),
    _away("ja", CLOUD, "自動応答: 見積書", "月曜日まで不在です。メールは転送されません。"),
    _away("tr", WORK, "Otomatik yanıt: Teklif", "Pazartesiye kadar ofis dışındayım."),
)


def _desk(language: str, host: Host, author: str, subject: str, text: str, path: str, *signs: str) -> Letter:
    fields = ("Auto-Submitted: auto-replied", "Precedence: bulk")
    return Letter("help desk", language, host, author, subject, text, path=path, signed_by=signs, fields=fields)


DESKS: Final = (
    _desk("en", DESKLY, "Harbor Support <support@harbor.example>", "[Request received] Printer on deck two", f"Your request (#10412) has been received.\n[View it|https://harbor.deskly.example/hc/requests/10412?email={_ENCODED}]", "support@harbor.example", *OURS),
    _desk("en", TIKKA, "Harbor Helpdesk <helpdesk@harbor.example>", "Ticket 4471 received: mail not delivered", f"We look into your undelivered mail.\n[Follow the ticket|https://harbor.tikka.example/t/4471?u={_ENCODED}]", "bounce+4471@tikka.example", *OURS),
    _desk("de", DESKLY, "Harbor Service <service@harbor.example>", "Ihre Anfrage ist eingegangen: E-Mail nicht zugestellt", f"Wir haben Ihre Anfrage zur nicht zugestellten E-Mail erhalten.\n[Anfrage ansehen|https://harbor.deskly.example/de/requests/77?email={_ENCODED}]", "service@harbor.example", *OURS),
    _desk("de", GRID, "IT-Support <it@harbor.example>", "Postfach voll - Ticket #5512 angelegt", "Ihre Meldung wurde aufgenommen.\n[Zum Ticket|https://harbor.deskly.example/tickets/5512]", "b-5512@gridmail.example", *OURS),
    _desk("fr", DESKLY, "Assistance Harbor <support@harbor.example>", "Demande reçue : message non remis", f"Votre demande a été enregistrée.\n[Suivre|https://harbor.deskly.example/fr/requests/9?email={_ENCODED}]", "support@harbor.example", *OURS),
    _desk("es", TIKKA, "Soporte Harbor <soporte@harbor.example>", "Hemos recibido su solicitud: correo no entregado", f"Su solicitud está en curso.\n[Ver|https://harbor.tikka.example/s/18?u={_ENCODED}]", "bounce+18@tikka.example", *OURS),
    _desk("it", DESKLY, "Assistenza Harbor <assistenza@harbor.example>", "Richiesta ricevuta: messaggio non consegnato", f"Abbiamo ricevuto la richiesta.\n[Apri|https://harbor.deskly.example/it/requests/3?email={_ENCODED}]", "assistenza@harbor.example", *OURS),
    _desk("pl", CLOUD, "Pomoc Harbor <pomoc@harbor.example>", "Zgłoszenie przyjęte: wiadomość niedostarczona", f"Zgłoszenie zostało przyjęte.\n[Zobacz|https://harbor.tikka.example/pl/5?u={_ENCODED}]", "pomoc@harbor.example", *OURS),
    _desk("sv", DESKLY, "Harbor Support <support@harbor.example>", "Ärende mottaget: e-post levererades inte", f"Vi har tagit emot ditt ärende.\n[Visa|https://harbor.deskly.example/sv/requests/6?email={_ENCODED}]", "support@harbor.example", *OURS),
    _desk("pt", DESKLY, "Suporte Harbor <suporte@harbor.example>", "Recebemos o seu pedido: mensagem não entregue", f"O pedido foi registado.\n[Abrir|https://harbor.deskly.example/pt/requests/8?email={_ENCODED}]", "suporte@harbor.example", *OURS),
    _desk("nl", GRID, "Harbor Helpdesk <helpdesk@harbor.example>", "Melding ontvangen: mail niet bezorgd", "Uw melding is geregistreerd.\n[Bekijk|https://harbor.deskly.example/nl/requests/2]", "b-2@gridmail.example", "deskly.example"),
)


def _list(language: str, host: Host, author: str, subject: str, text: str, path: str, *signs: str) -> Letter:
    fields = ("Precedence: list", "X-List-Administrivia: yes", "List-Id: <quay.harbor.example>")
    return Letter("list program", language, host, author, subject, text, path=path, signed_by=signs, fields=fields, html=False)


LISTED: Final = (
    _list("en", LISTS, "quay-bounces@harbor.example", "Your message to quay awaits moderator approval", f"Your mail to 'quay' is being held until the list moderator can review it.\nCancel it here: https://harbor.rosterlists.example/mailman/confirm/quay/5b1c?email={_ENCODED}", "quay-bounces@harbor.example", *OURS),
    _list("en", LISTS, "Quay List <quay-owner@harbor.example>", "Message pending: 1 post awaits approval", "One post to quay@harbor.example is held for approval.\nhttps://harbor.rosterlists.example/admindb/quay", "quay-bounces@rosterlists.example"),
    _list("de", LISTS, "quay-bounces@harbor.example", "Ihre Nachricht an quay wartet auf Genehmigung", "Die Nachricht wird zurückgehalten, bis ein Moderator sie freigibt.\nhttps://harbor.rosterlists.example/confirm/quay/8a", "quay-bounces@harbor.example", *OURS),
    _list("fr", LISTS, "quay-owner@harbor.example", "Votre message à quay est en attente d'approbation", "Le message est retenu jusqu'à décision du modérateur.\nhttps://harbor.rosterlists.example/confirm/quay/9b", "quay-bounces@rosterlists.example"),
    _list("es", GRID, "quay-owner@harbor.example", "Su mensaje a quay espera la aprobación del moderador", "El mensaje está retenido.\nhttps://listas.gridmail.example/c/31", "l-31@gridmail.example", "gridmail.example"),
    _list("it", LISTS, "quay-bounces@harbor.example", "Il messaggio a quay attende l'approvazione del moderatore", "Il messaggio è trattenuto.\nhttps://harbor.rosterlists.example/confirm/quay/7c", "quay-bounces@rosterlists.example"),
    _list("nl", LISTS, "quay-bounces@harbor.example", "Uw bericht aan quay wacht op goedkeuring van de moderator", "Het bericht wordt vastgehouden.\nhttps://harbor.rosterlists.example/confirm/quay/2e", "quay-bounces@harbor.example"),
    _list("ja", LISTS, "quay-bounces@harbor.example", "quay への投稿は承認待ちです", "投稿は司会者の承認を待っています。\nhttps://harbor.rosterlists.example/confirm/quay/4f", "quay-bounces@rosterlists.example"),
)


def _report(language: str, host: Host, author: str, subject: str, text: str, status: str, *signs: str) -> Letter:
    parts = (("message/delivery-status", status),)
    return Letter("report without the mail", language, host, author, subject, text, signed_by=signs, parts=parts)


_ROUTED: Final = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@harbor.example"
_FAILED: Final = (
    "Reporting-MTA: dns;AM6PR05MB1234.eurprd05.prod.cloudoffice.example\n\nFinal-Recipient: rfc822;bob@far.example\n"
    "Action: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found\n"
)
_WHY: Final = (
    "Reporting-MTA: dns; mx.far.example\n\nFinal-Recipient: rfc822; bob@far.example\nAction: failed\nStatus: 5.7.1\n"
    f"Diagnostic-Code: smtp; 550 5.7.1 refused, see http://www.spfwhy.example/Why?s=mfrom;id={_ENCODED};ip=192.0.2.10\n"
)
_BOB: Final = "bob@far.example (bob@far.example)\nThe address was not found. Status 550 5.1.10\n"

REPORTS: Final = (
    _report("en", CLOUD, f"Postmaster <{_ROUTED}>", "Undeliverable: Offer for the quay", f"Delivery has failed to these recipients or groups:\n{_BOB}[More info|https://go.cloudoffice.example/fwlink/?LinkId=389361]", _FAILED, *OURS),
    _report("en", CLOUD, "Microsoft Outlook <postmaster@harbor.example>", "Undeliverable: Tide tables", f"Your message to bob@far.example couldn't be delivered.\n{_BOB}[For Email Admins|https://admin.cloudoffice.example/trace?sender={_ENCODED}]", _FAILED),
    _report("de", CLOUD6, f"Postmaster <{_ROUTED}>", "Unzustellbar: Angebot Kai 4", f"Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Verteilerlisten:\n{_BOB}[Weitere Infos|https://go.cloudoffice.example/fwlink/?LinkId=389363]", _FAILED, *OURS),
    _report("fr", CLOUD, "Postmaster <postmaster@harbor.example>", "Non remis : Offre quai 4", f"Échec de la remise pour ces destinataires ou groupes :\n{_BOB}[Plus d'informations|https://go.cloudoffice.example/fwlink/?LinkId=389364]", _FAILED),
    _report("es", CLOUD, f"Postmaster <{_ROUTED}>", "No se puede entregar: Oferta", f"Error en la entrega a estos destinatarios o grupos:\n{_BOB}[Más información|https://go.cloudoffice.example/fwlink/?LinkId=389365]", _FAILED),
    _report("it", CLOUD, "Postmaster <postmaster@harbor.example>", "Non recapitabile: Offerta", f"Impossibile recapitare il messaggio ai seguenti destinatari:\n{_BOB}[Altre informazioni|https://go.cloudoffice.example/fwlink/?LinkId=389366]", _FAILED, *OURS),
    _report("ja", CLOUD, f"Postmaster <{_ROUTED}>", "配信不能: 見積書", f"次の受信者またはグループへの配信に失敗しました:\n{_BOB}[詳細情報|https://go.cloudoffice.example/fwlink/?LinkId=389367]", _FAILED),
    _report("pl", CLOUD6, "Postmaster <postmaster@harbor.example>", "Niedostarczona: Oferta", f"Dostarczenie do następujących adresatów nie powiodło się:\n{_BOB}[Więcej informacji|https://go.cloudoffice.example/fwlink/?LinkId=389368]", _FAILED),
    _report("en", Host("mx.far.example", "198.51.100.9"), "Mail Delivery System <MAILER-DAEMON@mx.far.example>", "Undelivered Mail Returned to Sender", f"<bob@far.example>: host mail.far.example said: 550 5.7.1 refused by policy,\nsee http://www.spfwhy.example/Why?s=mfrom;id={_ENCODED};ip=192.0.2.10;r=mail.far.example", _WHY),
    _report("de", Host("mx.fern.example", "198.18.40.9"), "Mail Delivery System <MAILER-DAEMON@fern.example>", "Mail delivery failed: returning message to sender", f"  bob@far.example\n    SMTP error from remote mail server: 550 5.7.1 see http://www.spfwhy.example/Why?id={_ENCODED}", _WHY),
    _report("fr", Host("smtp5.loin.example", "198.18.41.9"), "Mail Delivery System <MAILER-DAEMON@loin.example>", "Rapport de non-remise", f"<bob@far.example>: 554 5.7.1 refusé\nExplication : https://postmaster.loin.example/why?c=r0601&from={_ENCODED}", _WHY),
    _report("en", Host("gate2.blocklane.example", "198.18.42.9"), "Mail Gateway <postmaster@blocklane.example>", "Delivery Status Notification (Failure)", f"Delivery to bob@far.example failed: 554 5.7.1 blocked\nDelist: https://delist.listwatch.example/?sender={_ENCODED}", _WHY),
)


def _digest(language: str, host: Host, author: str, subject: str, text: str, path: str, *signs: str) -> Letter:
    return Letter("quarantine digest", language, host, author, subject, text, path=path, signed_by=signs)


def _held(home: str, release: str, allow: str, mark: str = "m") -> str:
    rows = (("carol@near.example", "Invoice 12"), ("info@isle.example", "Sale"), ("news@reef.example", "Tides"))
    return "\n".join(
        f"{who}  {what}  [{release}|{home}/release?{mark}={n}f3a&u={_ENCODED}] [{allow}|{home}/allow?{mark}={n}f3a&u={_ENCODED}]"
        for n, (who, what) in enumerate(rows)
    )


_SIEVE_HOME: Final = "https://portal.sievegate.example/q"
_GUARD_HOME: Final = "https://eu1.guardpoint.example/digest"

DIGESTS: Final = (
    _digest("en", SIEVE, "SieveGate Quarantine <quarantine@sievegate.example>", f"Quarantine summary for {TO}: 3 messages on hold", f"These messages are held:\n{_held(_SIEVE_HOME, 'Release', 'Allow')}", "bounce@sievegate.example", "sievegate.example"),
    _digest("en", SIEVE, "Quarantine Notification <quarantine@harbor.example>", "You have 3 quarantined messages", f"Held for {TO}:\n{_held(_SIEVE_HOME, 'Release', 'Allow')}", "bounce@sievegate.example", "sievegate.example"),
    _digest("en", GUARD, "Mail Protection <no-reply@guardpoint.example>", f"Held messages: digest for {TO}", f"3 mails are pending in your quarantine.\n{_held(_GUARD_HOME, 'Release', 'Allow')}", "bounces@pph-hosted.example", "guardpoint.example"),
    _digest("en", GUARD, "Harbor Mail Filter <spam-digest@harbor.example>", "Incoming mail quarantined: 3 messages", _held(_GUARD_HOME, "Release", "Allow"), "spam-digest@harbor.example", "guardpoint.example"),
    _digest("de", SIEVE, "SieveGate Quarantäne <quarantine@sievegate.example>", "Quarantäne-Bericht: 3 zurückgehaltene E-Mails", f"Zurückgehalten für {TO}:\n{_held(_SIEVE_HOME, 'Freigeben', 'Erlauben')}", "bounce@sievegate.example", "sievegate.example"),
    _digest("de", GUARD, "Postmaster <postmaster@guardpoint.example>", "Nicht zugestellte E-Mails in Ihrer Quarantäne", f"Nicht zugestellt an {TO}:\n{_held(_GUARD_HOME, 'Zustellen', 'Absender erlauben')}", "bounces@pph-hosted.example", "guardpoint.example"),
    _digest("fr", SIEVE, "Quarantaine SieveGate <quarantine@sievegate.example>", "3 messages non remis dans votre quarantaine", _held(_SIEVE_HOME, "Libérer", "Autoriser"), "bounce@sievegate.example", "sievegate.example"),
    _digest("es", GRID, "SieveGate <no-reply@sievegate.example>", "Correo no entregado: 3 mensajes en cuarentena", _held(_SIEVE_HOME, "Liberar", "Permitir"), "b-901@gridmail.example", "sievegate.example"),
    _digest("it", SIEVE, "SieveGate <quarantine@sievegate.example>", "Riepilogo quarantena: 3 messaggi non consegnati", _held(_SIEVE_HOME, "Rilascia", "Consenti"), "bounce@sievegate.example", "sievegate.example"),
    _digest("nl", GUARD, "Mail Protection <no-reply@guardpoint.example>", "3 niet bezorgde berichten in quarantaine", _held(_GUARD_HOME, "Vrijgeven", "Toestaan"), "bounces@pph-hosted.example", "guardpoint.example"),
    _digest("pl", SIEVE, "SieveGate <quarantine@sievegate.example>", "Kwarantanna: 3 niedostarczone wiadomości", _held(_SIEVE_HOME, "Zwolnij", "Zezwól"), "bounce@sievegate.example", "sievegate.example"),
    _digest("ru", SIEVE, "SieveGate <quarantine@sievegate.example>", "Карантин: 3 недоставленных письма", _held(_SIEVE_HOME, "Доставить", "Разрешить"), "bounce@sievegate.example", "sievegate.example"),
    _digest("en", CLOUD, "quarantine@messaging.cloudoffice.example", "Microsoft 365 security: You have messages in quarantine", f"Review these messages by 17 November\n[Review Message|https://security.cloudoffice.example/quarantine?id=1&recipientAddress={_ENCODED}]", "quarantine@messaging.cloudoffice.example", "messaging.cloudoffice.example"),
    _digest("de", CLOUD, "quarantine@harbor.example", "Sie haben Nachrichten in Quarantäne, die nicht zugestellt wurden", f"[Nachricht überprüfen|https://security.cloudoffice.example/quarantine?id=2&recipientAddress={_ENCODED}]", "quarantine@harbor.example", *OURS),
    _digest("ja", SIEVE, "SieveGate <quarantine@sievegate.example>", "隔離メールのお知らせ（3件）", _held(_SIEVE_HOME, "配信", "許可"), "bounce@sievegate.example", "sievegate.example"),
)


def _quota(language: str, host: Host, author: str, subject: str, text: str, path: str, *signs: str) -> Letter:
    fields = ("Auto-Submitted: auto-generated",)
    return Letter("quota", language, host, author, subject, text, path=path, signed_by=signs, fields=fields)


QUOTAS: Final = (
    _quota("en", HOSTEL, "Hostel Support <no-reply@hostel.example>", f"Your mailbox {TO} is almost full", f"Soon incoming mail can not be delivered.\n[Get more space|https://my.hostel.example/mail/upgrade?mailbox={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
    _quota("en", FARM, "Mail System <postmaster@harbor.example>", "Mailbox storage full: incoming mail will be rejected", f"{TO} uses 98 % of 5 GB.\n[Webmail|https://webmail.webfarm.example/?_user={_ENCODED}]", "postmaster@harbor.example"),
    _quota("de", HOSTEL, "Hostel Kundenservice <no-reply@hostel.example>", "Ihr Postfach ist fast voll", f"Das Postfach {TO} ist zu 95 % belegt. E-Mails können bald nicht zugestellt werden.\n[Speicher erweitern|https://mein.hostel.example/speicher?p={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
    _quota("de", FARM, "Mailserver <mailer-daemon@webfarm.example>", "Warnung: Postfach voll, E-Mails nicht zustellbar", f"{TO}: 5,0 von 5,0 GB belegt\n[Kundencenter|https://kunden.webfarm.example/?mailbox={_ENCODED}]", ""),
    _quota("fr", HOSTEL, "Hostel <no-reply@hostel.example>", "Votre boîte aux lettres est presque pleine", f"La boîte {TO} est pleine à 95 %. Des messages pourraient être non remis.\n[Augmenter|https://mon.hostel.example/espace?b={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
    _quota("es", FARM, "Webfarm <no-reply@webfarm.example>", "Su buzón está casi lleno: correo no entregado", f"[Ampliar|https://clientes.webfarm.example/?b={_ENCODED}]", "no-reply@webfarm.example", "webfarm.example"),
    _quota("it", HOSTEL, "Hostel <no-reply@hostel.example>", "La casella è quasi piena: messaggi non consegnati", f"[Aumenta lo spazio|https://mio.hostel.example/spazio?c={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
    _quota("pl", HOSTEL, "Hostel <no-reply@hostel.example>", "Skrzynka prawie pełna: wiadomości niedostarczone", f"[Zwiększ|https://moj.hostel.example/miejsce?s={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
    _quota("tr", FARM, "Webfarm <no-reply@webfarm.example>", "Posta kutunuz dolmak üzere: ileti teslim edilemedi", f"[Yükselt|https://musteri.webfarm.example/?p={_ENCODED}]", "no-reply@webfarm.example", "webfarm.example"),
    _quota("ru", HOSTEL, "Hostel <no-reply@hostel.example>", "Почтовый ящик почти заполнен: письма не доставлены", f"[Увеличить|https://my.hostel.example/ru/space?b={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
    _quota("en", CLOUD, "Microsoft Outlook <postmaster@harbor.example>", "Your mailbox is almost full.", "Please reduce your mailbox size. Delete any items you don't need.\n[Learn more|https://go.cloudoffice.example/fwlink/?LinkId=12]", "", *OURS),
    _quota("zh", FARM, "Webfarm <no-reply@webfarm.example>", "您的邮箱已满，邮件无法投递", f"[扩容|https://user.webfarm.example/?m={_ENCODED}]", "no-reply@webfarm.example", "webfarm.example"),
    _quota("sv", HOSTEL, "Hostel <no-reply@hostel.example>", "Din brevlåda är nästan full", f"[Mer utrymme|https://min.hostel.example/plats?b={_ENCODED}]", "no-reply@hostel.example", "hostel.example"),
)


def _plain(what: str, language: str, host: Host, author: str, subject: str, text: str, path: str, *signs: str, files: tuple[tuple[str, str], ...] = ()) -> Letter:
    return Letter(what, language, host, author, subject, text, path=path, signed_by=signs, files=files)


_WAV: Final = (("msg0042.wav", "audio/wav"),)
_FAX: Final = (("fax_0151.pdf", "application/pdf"),)
_GZ: Final = (("far.example!harbor.example!1793577600!1793664000.xml.gz", "application/gzip"),)
_SECURE: Final = (("securemessage.html", "text/html"),)

OTHERS: Final = (
    # voicemail and fax of a real service
    _plain("voicemail", "en", PHONE, "Voice Mail <voicemail@harbor.example>", "New voice message from +44 20 7946 0001", f"You have a new message in mailbox 42.\n[Listen|https://harbor.ringpbx.example/vm/42?u={_ENCODED}]", "vm@ringpbx.example", files=_WAV),
    _plain("voicemail", "de", PHONE, "Ringpbx Voicebox <no-reply@ringpbx.example>", "Neue Sprachnachricht von 030 23125 001", "[Anhören|https://harbor.ringpbx.example/vm/7]", "vm@ringpbx.example", "ringpbx.example", files=_WAV),
    _plain("voicemail", "fr", PHONE, "Messagerie <messagerie@harbor.example>", "Nouveau message vocal", "[Écouter|https://harbor.ringpbx.example/vm/8]", "vm@ringpbx.example", files=_WAV),
    _plain("voicemail", "ja", PHONE, "Ringpbx <no-reply@ringpbx.example>", "新しいボイスメール", "[再生|https://harbor.ringpbx.example/vm/9]", "vm@ringpbx.example", files=_WAV),
    _plain("fax", "en", BRANCH, "Fax Server <fax@harbor.example>", "Fax received: 2 pages", "See the attached fax.", "fax@harbor.example", files=_FAX),
    _plain("fax", "de", PHONE, "Fax <fax@harbor.example>", "Fax-Sendebericht: Zustellung fehlgeschlagen", f"An 030 23125 002: besetzt\n[Erneut senden|https://harbor.ringpbx.example/fax/3?u={_ENCODED}]", "fax@ringpbx.example", files=_FAX),
    _plain("fax", "es", PHONE, "Fax <fax@harbor.example>", "Fax no entregado", f"[Reintentar|https://harbor.ringpbx.example/fax/4?u={_ENCODED}]", "fax@ringpbx.example", files=_FAX),
    # the own IT on passwords
    _plain("password", "en", CLOUD, "Harbor IT <it@harbor.example>", "Your password expires in 7 days", f"Please change it: [My account|https://account.cloudoffice.example/?username={_ENCODED}]", "it@harbor.example", *OURS),
    _plain("password", "en", DESKLY, "IT Helpdesk <helpdesk@harbor.example>", "Action required: mailbox password and incoming mail", f"Without a new password incoming mail stays undelivered.\n[Change it|https://id.harbor.example/?u={_ENCODED}]", "helpdesk@harbor.example", *OURS),
    _plain("password", "de", CLOUD, "IT Harbor <it@harbor.example>", "Ihr Kennwort läuft in 7 Tagen ab", f"[Kennwort ändern|https://id.harbor.example/?u={_ENCODED}]", "it@harbor.example", *OURS),
    _plain("password", "fr", CLOUD, "Informatique <it@harbor.example>", "Votre mot de passe expire dans 7 jours", f"[Changer|https://id.harbor.example/?u={_ENCODED}]", "it@harbor.example", *OURS),
    _plain("password", "it", WORK, "IT <it@harbor.example>", "La password scade tra 7 giorni", f"[Cambia|https://account.workspace.example/?Email={_ENCODED}]", "it@harbor.example", *OURS),
    _plain("password", "pl", CLOUD, "IT <it@harbor.example>", "Hasło wygasa za 7 dni", f"[Zmień|https://account.cloudoffice.example/?username={_ENCODED}]", "it@harbor.example", *OURS),
    _plain("new factor", "en", CLOUD, "Administrator <admin@harbor.example>", "Set up your second factor for mail", "Scan the QR code with your phone.", "admin@harbor.example", *OURS, files=(("qr.png", "image/png"),)),
    # parcels
    _plain("parcel", "en", PARCEL, "ParcelRun Notification <no-reply@parcelrun.example>", "Delivery failed: your mail item 00340 is on hold", f"Nobody was at home.\n[Choose a new day|https://track.parcelrun.example/00340?e={_ENCODED}]", "bounce@bounce.parcelrun.example", "parcelrun.example"),
    _plain("parcel", "en", GRID, "ParcelRun <no-reply@parcelrun.example>", "Your parcel could not be delivered", f"[Track it|https://click.gridmail.example/l/9f?e={_ENCODED}]", "b-77@gridmail.example", "parcelrun.example"),
    _plain("parcel", "de", PARCEL, "ParcelRun <no-reply@parcelrun.example>", "Sendung konnte nicht zugestellt werden", f"[Neuer Termin|https://track.parcelrun.example/de/1?e={_ENCODED}]", "bounce@bounce.parcelrun.example", "parcelrun.example"),
    _plain("parcel", "fr", PARCEL, "ParcelRun <no-reply@parcelrun.example>", "Échec de la livraison : courrier non remis", f"[Reprogrammer|https://track.parcelrun.example/fr/1?e={_ENCODED}]", "bounce@bounce.parcelrun.example", "parcelrun.example"),
    _plain("parcel", "es", GRID, "ParcelRun <no-reply@parcelrun.example>", "Correo no entregado: su paquete", f"[Seguir|https://track.parcelrun.example/es/1?e={_ENCODED}]", "b-78@gridmail.example", "parcelrun.example"),
    _plain("parcel", "nl", PARCEL, "ParcelRun <no-reply@parcelrun.example>", "Bezorging mislukt: brievenbuspakket niet bezorgd", f"[Volg|https://track.parcelrun.example/nl/1?e={_ENCODED}]", "bounce@bounce.parcelrun.example", "parcelrun.example"),
    _plain("parcel", "cs", PARCEL, "ParcelRun <no-reply@parcelrun.example>", "Zásilku se nepodařilo doručit", f"[Sledovat|https://track.parcelrun.example/cs/1?e={_ENCODED}]", "bounce@bounce.parcelrun.example", "parcelrun.example"),
    _plain("parcel", "ko", GRID, "ParcelRun <no-reply@parcelrun.example>", "배송 실패: 우편물", f"[조회|https://track.parcelrun.example/ko/1?e={_ENCODED}]", "b-79@gridmail.example", "parcelrun.example"),
    # calendars
    _plain("calendar", "en", CLOUD, "Carl <carl@harbor.example>", "Accepted: Tide meeting", "Carl has accepted.", "carl@harbor.example", *OURS, files=(("invite.ics", "text/calendar"),)),
    _plain("calendar", "de", CLOUD, "Carl <carl@harbor.example>", "Abgelehnt: Besprechung Kai 4", "Carl hat abgesagt.", "carl@harbor.example", *OURS, files=(("invite.ics", "text/calendar"),)),
    _plain("calendar", "fr", WORK, "Carl <carl@harbor.example>", "Refusé : Réunion quai 4", "[Répondre|https://calendar.workspace.example/e?eid=1]", "carl@harbor.example", *OURS),
    _plain("calendar", "es", GRID, "Slotly <no-reply@slotly.example>", "Cita cancelada", f"[Nueva cita|https://slotly.example/r?e={_ENCODED}]", "b-80@gridmail.example", "slotly.example"),
    # recalls
    _plain("recall", "en", CLOUD, "Carl <carl@harbor.example>", "Message Recall Success: Offer", "Your message was successfully recalled.", "", *OURS),
    _plain("recall", "en", CLOUD, "Microsoft Outlook <postmaster@harbor.example>", "Message Recall Report: Offer for the quay", f"[View the report|https://outlook.cloudoffice.example/recall/report?m=1&u={_ENCODED}]", "", *OURS),
    _plain("recall", "de", CLOUD, "Carl <carl@harbor.example>", "Rückruffehler: Angebot Kai 4", "Die Nachricht konnte nicht zurückgerufen werden.", "", *OURS),
    _plain("recall", "fr", CLOUD6, "Postmaster <postmaster@harbor.example>", "Échec du rappel du message : Offre", f"[Rapport|https://outlook.cloudoffice.example/recall/report?m=2&u={_ENCODED}]", ""),
    # summaries and files of machines
    _plain("dmarc", "en", GRID, "DMARC Reports <noreply@dmarc.parcelrun.example>", "Report Domain: harbor.example Submitter: far.example", "This is an aggregate report.", "b-81@gridmail.example", "parcelrun.example", files=_GZ),
    _plain("dmarc", "en", GRID, "DMARC Digest <dmarc@harbor.example>", "Weekly DMARC digest: 12 messages failed delivery checks", f"[Open|https://app.dmarcview.example/d?u={_ENCODED}]", "b-82@gridmail.example", "dmarcview.example"),
    _plain("backup", "en", BRANCH, "Backup <backup@harbor.example>", "Backup failed on nas2", "Job nightly failed: disk full.", "backup@harbor.example", files=(("report.html", "text/html"),)),
    _plain("backup", "de", BRANCH, "NAS Zweigstelle <nas@harbor.example>", "Sicherung fehlgeschlagen: Speicher voll", "Siehe Anhang.", "nas@harbor.example", files=(("protokoll.zip", "application/zip"),)),
    _plain("backup", "es", BARE, "Copia <backup@harbor.example>", "Error en la copia de seguridad", "Ver el informe adjunto.", "backup@harbor.example", files=(("informe.htm", "text/html"),)),
    _plain("mail archive", "en", GRID, "Mail Archive <archive@harbor.example>", "Archive report: 2 incoming messages not stored", f"[See them|https://harbor.mailvault.example/r/2?u={_ENCODED}]", "b-83@gridmail.example", "mailvault.example"),
    _plain("monitor", "en", BARE, "Monitor <monitor@harbor.example>", "PROBLEM: mail queue on mx1 is 500 messages", "[Graph|https://monitor.watchpost.example/g/1]", "monitor@harbor.example"),
    _plain("monitor", "de", BRANCH, "Systemadministrator <root@harbor.example>", "Mailserver: 3 E-Mails nicht zugestellt", "Warteschlange geprüft.\n[Wiki|https://wiki.watchpost.example/mail]", "root@harbor.example"),
    # newsletters that ask to confirm
    _plain("newsletter", "en", GRID, "Reef News <news@reef.example>", "Please confirm your subscription", f"[Confirm|https://reef.example/c?e={_ENCODED}]", "b-84@gridmail.example", "reef.example"),
    _plain("newsletter", "de", GRID, "Reef Brief <brief@reef.example>", "Bitte bestätigen Sie Ihre E-Mail-Adresse", f"[Bestätigen|https://reef.example/de/c?e={_ENCODED}]", "b-85@gridmail.example", "reef.example"),
    _plain("newsletter", "fr", GRID, "Lettre Reef <lettre@reef.example>", "Confirmez votre inscription", f"[Confirmer|https://reef.example/fr/c?e={_ENCODED}]", "b-86@gridmail.example", "reef.example"),
    _plain("newsletter", "it", GRID, "Harbor Notizie <notizie@harbor.example>", "Conferma la tua iscrizione", f"[Conferma|https://click.gridmail.example/c?e={_ENCODED}]", "b-87@gridmail.example", "gridmail.example"),
    _plain("newsletter", "pt", GRID, "Harbor Notícias <news@harbor.example>", "Confirme a sua inscrição", f"[Confirmar|https://harbor.gridpages.example/c?e={_ENCODED}]", "b-88@gridmail.example", *OURS),
    # storage of drives
    _plain("storage", "en", CLOUD, "OneFolder <no-reply@cloudoffice.example>", "Your storage is full", f"[Manage|https://drive.cloudoffice.example/?u={_ENCODED}]", "no-reply@cloudoffice.example", "cloudoffice.example"),
    _plain("storage", "de", WORK, "Workspace <no-reply@workspace.example>", "Ihr Speicher ist fast voll: Sie können bald keine E-Mails mehr empfangen", f"[Verwalten|https://one.workspace.example/?Email={_ENCODED}]", "no-reply@workspace.example", "workspace.example"),
    _plain("storage", "pt", WORK, "Workspace <no-reply@workspace.example>", "O seu armazenamento está cheio", f"[Gerir|https://one.workspace.example/?Email={_ENCODED}]", "no-reply@workspace.example", "workspace.example"),
    # messages kept in a portal, opened through an attached page
    _plain("secure mail", "en", SIEVE, "Carol <carol@near.example>", "Secure message", "Open the attachment to read it.", "carol@near.example", "near.example", "sievegate.example", files=_SECURE),
    _plain("secure mail", "de", GUARD, "GuardPoint Secure Mail <no-reply@guardpoint.example>", "Sie haben eine verschlüsselte Nachricht erhalten", "Öffnen Sie den Anhang.", "bounces@pph-hosted.example", "guardpoint.example", files=_SECURE),
)  # fmt: skip


def _receipt(language: str, host: Host, subject: str, text: str, *signs: str) -> Letter:
    read = "Reporting-UA: mail.harbor.example; outlook\nFinal-Recipient: rfc822;carl@harbor.example\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    return Letter("receipt", language, host, "Carl <carl@harbor.example>", subject, text, signed_by=signs, parts=(("message/disposition-notification", read),), report_type="disposition-notification")


RECEIPTS: Final = (
    _receipt("en", CLOUD, "Read: Offer for the quay", "Your message was read on Monday.", *OURS),
    _receipt("de", CLOUD, "Gelesen: Angebot Kai 4", "Ihre Nachricht wurde gelesen.", *OURS),
    _receipt("fr", CLOUD6, "Lu : Offre quai 4", "Votre message a été lu."),
    _receipt("es", WORK, "Leído: Oferta", "Su mensaje fue leído.", *OURS),
    _receipt("nl", CLOUD, "Gelezen: Offerte", "Uw bericht is gelezen."),
)

LOOKALIKES: Final = (*AWAY, *DESKS, *LISTED, *REPORTS, *DIGESTS, *QUOTAS, *OTHERS, *RECEIPTS)
