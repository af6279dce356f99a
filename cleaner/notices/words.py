"""
What notices call themselves, in the languages of the world.

Phrases are compared folded (NFKC, case-folded, white space collapsed). They make a message likely and
tell kinds apart; none of them alone makes a notice of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final


def said(phrases: Iterable[str], text: str) -> bool:
    """Whether one of those phrases stands in a folded text."""
    return any(map(text.__contains__, phrases))


_MAIL: Final = re.compile(
    r"mail|messag|meddel|inbox|\bimap\b|\bsmtp\b|nachricht|postfach|courri|correo|mensaj|mensag|posta|bericht|bandeja|wiadomo"
    r"|poczt|zpráv|üzenet|ileti|почт|сообщени|письм|повідомлен|лист|メール|メッセージ|邮|郵|邮箱|메일|메시지|بريد|رسال|דואר|หมาย|อีเมล"
)


def is_of_mail(text: str) -> bool:
    """Whether a folded text speaks of mail: parcels are not delivered, orders are on hold and disks infected too."""
    return bool(_MAIL.search(text))


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(line.strip().casefold() for line in text.splitlines() if line.strip())


FAILURE: Final = _phrases(
    """
    undeliver
    returned mail
    returned to sender
    returning message to sender
    returning to sender
    return to sender
    failure notice
    failure delivery
    delivery fail
    delivery has failed
    delivery problem
    delivery error
    delivery status notification
    delivery notification
    delivery report
    delivery incomplete
    deliver failure
    mail failed
    mail failure
    email failure
    mail system error
    mail error
    error sending your
    non-delivery
    nondeliver
    not delivered
    not be delivered
    not deliver
    not been delivered
    unable to deliver
    cannot be delivered
    can't be delivered
    could not send
    message status
    mail status report
    message rejected
    message blocked
    blocked message
    mail blocked
    not a valid user
    invalid user
    no such mailbox
    no such address
    recipient rejected
    recipient refused
    rejected mail
    rejected:
    was rejected
    been rejected
    message was refused
    permanent error
    permanent failure
    bounced
    user unknown
    unknown user
    unknown address
    address not found
    no such user
    mailbox full
    mailbox is full
    over quota
    nicht zugestellt
    nicht zustellbar
    unzustellbar
    unzustellbarkeit
    zustellung fehlgeschlagen
    zustellfehler
    zustellungsfehler
    zustellung ist fehlgeschlagen
    übermittlungsfehler
    zurückgewiesen
    nicht ausgeliefert
    non remis
    non délivr
    non distribu
    pas pu être remis
    n'a pas pu être
    échec de la remise
    échec de remise
    échec de distribution
    échec de livraison
    échec de la livraison
    échec d'envoi
    échec de l'envoi
    retour à l'expéditeur
    notification d'état de remise
    no se puede entregar
    no se pudo entregar
    no se ha podido entregar
    no entregado
    no entregable
    error de entrega
    fallo de entrega
    fallo en la entrega
    notificación de estado de entrega
    mensaje devuelto
    correo devuelto
    impossibile recapitare
    mancata consegna
    mancato recapito
    non recapitabile
    non consegnat
    consegna fallita
    notifica dello stato
    não entregue
    não foi entregue
    não pôde ser entregue
    não pode ser entregue
    falha na entrega
    falha de entrega
    erro de entrega
    mensagem devolvida
    notificação de status de entrega
    niet bezorgd
    niet worden bezorgd
    onbestelbaar
    niet afgeleverd
    bezorging mislukt
    aflevering mislukt
    kunde inte levereras
    kan inte levereras
    inte att leverera
    ej levererat
    olevererat
    kunne ikke leveres
    kan ikke leveres
    ikke leveret
    ikke levert
    leveringsfejl
    leveringsfeil
    uleveret
    toimitus epäonnistui
    ei voitu toimittaa
    toimittamaton
    niedostarczon
    nie dostarczono
    nie można dostarczyć
    nie została dostarczona
    nie mogła zostać dostarczona
    nedoručiteln
    nedoručen
    nelze doručit
    nepodařilo se doručit
    nemožno doručiť
    kézbesíthetetlen
    nem kézbesíthető
    sikertelen kézbesítés
    nelivrat
    nu a fost livrat
    nu a putut fi livrat
    teslim edilemedi
    teslim edilemeyen
    iletilemedi
    δεν παραδόθηκε
    μη παραδοτ
    αδυναμία παράδοσης
    не доставлено
    недоставлен
    не было доставлено
    не может быть доставлен
    не удалось доставить
    невозможно доставить
    ошибка доставки
    не вдалося доставити
    неможливо доставити
    недоставено
    nije isporučen
    neisporučen
    nedostavljen
    nepristatyt
    nepavyko pristatyti
    配信不能
    配送不能
    配信できません
    配信エラー
    配信に失敗
    配送エラー
    送信エラー
    送信に失敗
    送信できません
    届きませんでした
    配達できません
    お届けできません
    エラーメール
    メールエラー
    未達
    メール配信
    退信
    退回
    未送达
    未能送达
    无法送达
    无法投递
    无法发送
    投递失败
    发送失败
    傳遞失敗
    傳送失敗
    無法傳遞
    無法遞送
    無法寄送
    未傳遞
    배달되지
    배달 실패
    배달할 수 없
    전달 실패
    전송 실패
    발송 실패
    반송
    تعذر تسليم
    تعذّر تسليم
    لم يتم التسليم
    لم يتم تسليم
    غير قابل للتسليم
    فشل التسليم
    فشل تسليم
    לא נמסר
    לא ניתן למסור
    לא ניתן למסירה
    כשל במסירה
    không gửi được
    không thể gửi
    gửi không thành công
    ไม่สามารถส่ง
    ส่งไม่สำเร็จ
    tidak terkirim
    gagal dikirim
    gagal terkirim
    tidak dapat dikirim
    pengiriman gagal
    no s'ha pogut lliurar
    no s'ha lliurat
    """
)

RETRIES: Final = _phrases(
    """
    delivery attempts will continue
    still being retried
    will be retried
    will continue to try
    will continue trying
    will keep trying
    will try again
    will retry
    keep trying to deliver
    do not need to resend
    not need to resend your
    no action is required on your part
    zustellung wird weiter versucht
    wird erneut versucht
    wird weiterhin versucht
    weitere zustellversuche folgen
    de nouvelles tentatives seront
    va réessayer
    continuera d'essayer
    seguirá intentando
    seguiremos intentando
    continuerà a tentare
    continuará tentando
    continuaremos tentando
    blijft het proberen
    blijven proberen
    fortsätter att försöka
    kommer att försöka igen
    bliver ved med at forsøge
    попытки доставки будут продолжены
    попытки будут продолжены
    再送を試みます
    再配信を試みます
    再送信を試みます
    将继续尝试
    會繼續嘗試
    계속 시도
    """
)
"""
The report says that the system goes on trying, whatever its subject calls it.

Only phrases that a negation would change: "wird nicht erneut versucht" must not be found here.
"""

DELAY: Final = _phrases(
    """
    delayed
    (delay)
    delivery warning
    has been postponed
    delivery attempts will continue
    not been delivered to all
    delivery delay
    delay notification
    warning: message
    warning: could not send message
    not yet been delivered
    not yet been possible
    temporarily undeliverable
    temporarily unable
    still being retried
    will be retried
    will continue to try
    will keep trying
    will try again
    will retry
    keep trying to deliver
    no action is required on your part
    temporary failure
    verzöger
    verzögert
    retardé
    retard de
    retrasad
    retraso
    demorad
    in ritardo
    ritardata
    atrasad
    vertraagd
    vertraging
    försenad
    försenat
    forsinket
    viivästy
    opóźnion
    opóźnieni
    zpožděn
    késik
    késleltet
    gecik
    καθυστέρηση
    задержк
    задержан
    отложен
    затрим
    遅延
    遅れて
    延迟
    延遲
    지연
    تأخر
    تأخير
    התעכב
    עיכוב
    """
)

SUCCESS: Final = _phrases(
    """
    successful mail delivery
    successfully delivered
    delivered:
    relayed:
    expanded:
    return receipt
    delivery status notification (success)
    delivery status notification (relay)
    zugestellt:
    erfolgreich zugestellt
    remis :
    entregado:
    entregue:
    consegnato:
    """
)

AUTOREPLY: Final = _phrases(
    """
    automatic reply
    automatic response
    automated reply
    automated response
    auto reply
    auto-reply
    autoreply
    auto response
    auto-response
    autoresponse
    auto responder
    autoresponder
    auto:
    out of office
    out-of-office
    out of the office
    away from my mail
    away from the office
    not in the office
    automatische antwort
    automatische rückantwort
    automatische abwesenheits
    autoantwort
    abwesenheitsnotiz
    abwesenheitsnachricht
    abwesenheitsassistent
    abwesenheitsmeldung
    nicht im büro
    außer haus
    réponse automatique
    absence du bureau
    absent du bureau
    absente du bureau
    message d'absence
    respuesta automática
    respuesta automatica
    contestación automática
    fuera de la oficina
    fuera de oficina
    risposta automatica
    fuori sede
    fuori ufficio
    resposta automática
    resposta automatica
    resposta automàtica
    fora do escritório
    ausência temporária
    automatisch antwoord
    automatische beantwoording
    afwezigheidsbericht
    niet op kantoor
    autosvar
    automatiskt svar
    automatisk svar
    frånvarande
    frånvaromeddelande
    fraværsmelding
    fraværsbesked
    ikke på kontoret
    automaattinen vastaus
    poissaoloilmoitus
    automatyczna odpowiedź
    odpowiedź automatyczna
    autoodpowiedź
    poza biurem
    automatická odpověď
    automatická odpoveď
    mimo kancelář
    automatikus válasz
    irodán kívül
    házon kívül
    răspuns automat
    otomatik yanıt
    otomatik cevap
    ofis dışında
    αυτόματη απάντηση
    εκτός γραφείου
    автоматический ответ
    автоответ
    вне офиса
    нет на месте
    автоматична відповідь
    автовідповідь
    автоматичен отговор
    automatski odgovor
    samodejni odgovor
    automaatvastus
    automatinis atsakymas
    automātiskā atbilde
    自動応答
    自動返信
    自動回答
    不在通知
    不在のお知らせ
    自动回复
    自动答复
    自動回覆
    自動回復
    자동 회신
    자동 응답
    자동회신
    부재중
    رد تلقائي
    خارج المكتب
    תשובה אוטומטית
    מענה אוטומטי
    מחוץ למשרד
    trả lời tự động
    ตอบกลับอัตโนมัติ
    balasan otomatis
    jawaban otomatis
    di luar kantor
    """
)

ABSENCE: Final = _phrases(
    """
    vacation
    holiday
    on leave
    annual leave
    maternity leave
    sick leave
    i am away
    i'm away
    abwesen
    urlaub
    congés
    en vacances
    ausente
    vacaciones
    assente
    in ferie
    férias
    afwezig
    vakantie
    semester
    ferie
    loma
    nieobecn
    urlop
    nepřítom
    dovolen
    távollét
    szabads
    concediu
    tatil
    отпуск
    отсутств
    відпуст
    不在
    休暇
    外出
    休假
    휴가
    """
)

CHALLENGE: Final = _phrases(
    """
    please confirm your message
    confirm your message
    confirm your email
    verification required
    requires verification
    requires confirmation
    verify your message
    verify you are
    your message is being held
    your message is waiting
    your email is being held
    awaiting your confirmation
    awaiting confirmation
    sender verification
    please verify
    action required to deliver
    message held
    spam arrest
    challenge
    bestätigen sie ihre nachricht
    bitte bestätigen
    bestätigung erforderlich
    confirmez votre message
    confirme su mensaje
    confirmación requerida
    conferma il tuo messaggio
    confirme sua mensagem
    confirmação necessária
    подтвердите
    確認してください
    """
)

VIRUS: Final = _phrases(
    """
    virus
    viruses
    viren
    firws
    vírus
    malware
    infected
    worm
    trojan
    banned file
    banned content
    banned attachment
    bad content
    bad filename
    dangerous content
    blocked attachment
    attachment blocked
    attachment removed
    scan engine
    content filter
    content violation
    policy violation
    mailscanner
    infiziert
    verseucht
    infecté
    infectado
    infettat
    infett
    geïnfecteerd
    zainfekowan
    вирус
    вірус
    ウイルス
    ウィルス
    病毒
    바이러스
    """
)

LIST: Final = _phrases(
    """
    awaits moderator approval
    moderator approval
    waiting for moderator
    waiting for approval
    held for approval
    held for moderation
    post to
    not a member
    are not member
    not member
    not allowed to post
    not authorized to send
    not authorised to send
    not subscribed
    not a subscriber
    subscription
    subscribe
    unsubscribe
    unsubscription
    mailing list
    mailing-list
    majordomo results
    results of your email commands
    your mail to
    request to mailing list
    moderation
    confirm
    loop alert
    rejected message
    moderator
    moderado
    modérat
    moderation
    liste de diffusion
    mailingliste
    lista de correo
    lista de discussão
    lista di distribuzione
    рассылк
    メーリングリスト
    邮件列表
    """
)

HELD: Final = _phrases(
    """
    are pending
    on your mailbox
    on hold
    pending message
    pending mail
    pending email
    pending incoming
    pending deliver
    messages pending
    mails pending
    emails pending
    held message
    messages held
    message on hold
    messages on hold
    undelivered message
    undelivered mail
    undelivered email
    unreceived
    quarantine
    quarantined
    incoming messages
    incoming mail
    incoming emails
    blocked message
    blocked mail
    blocked email
    suspended mail
    failed to deliver
    delivery failed
    delivery failure
    delivery suspended
    message delivery
    sync error
    storage full
    mailbox full
    mailbox storage
    email queue
    messages in queue
    new messages
    recover message
    release message
    email notification
    messages delivery
    clustered message
    trapped
    nicht zugestellte
    zurückgehaltene
    ausstehende nachricht
    ausstehende e-mail
    postfach voll
    postfach ist voll
    messages en attente
    messages retenus
    messages bloqués
    messages non remis
    boîte pleine
    boîte de réception pleine
    mensajes pendientes
    mensajes retenidos
    mensajes no entregados
    buzón lleno
    messaggi in attesa
    messaggi in sospeso
    messaggi trattenuti
    messaggi non consegnati
    casella piena
    mensagens pendentes
    mensagens retidas
    mensagens não entregues
    não foi possível entregar
    caixa cheia
    wachtende berichten
    niet bezorgde berichten
    mailbox vol
    oczekujące wiadomości
    wstrzymane wiadomości
    niedostarczone wiadomości
    skrzynka pełna
    čekající zprávy
    nedoručené zprávy
    schránka je plná
    väntande meddelanden
    brevlådan är full
    ventende meddelelser
    várakozó üzenetek
    mesaje în așteptare
    bekleyen ileti
    bekleyen mesaj
    posta kutusu dolu
    εκκρεμή μηνύματα
    недоставленные
    задержанные письма
    ожидающие сообщения
    ящик переполнен
    недоставлені
    保留中のメール
    未配信
    メールボックスがいっぱい
    待处理邮件
    未送达
    邮箱已满
    보류 중인 메일
    편지함이 가득
    رسائل معلقة
    """
)

EVERYDAY: Final = frozenset(
    _phrases(
        """
        on hold
        on your mailbox
        incoming messages
        incoming mail
        incoming emails
        new messages
        email notification
        message delivery
        messages delivery
        blocked message
        held message
        quarantine
        trapped
        """
    )
)
"""Of HELD, what desks, shops and colleagues say of other things; a title that says no more needs a bait beside it."""


def said_of_held(text: str) -> bool:
    """Whether a folded text says, in words that are said of nothing else, that mail is held or failed."""
    return said(FAILURE, text) or said((phrase for phrase in HELD if phrase not in EVERYDAY), text)
