"""
What a folder is for, by its name: where a mail system does not say it by a flag (RFC 6154).

The names that mail programs, servers and providers commonly give their folders, in the languages we know.
Only whole names count, never parts of them: a folder wrongly taken for Sent would let mail count as sent by
its owner, while one that is not recognised can be named in the configuration (`policy.sent`).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from cleaner.values import FolderRole

INBOX: Final = "INBOX"


def role_of(name: str) -> FolderRole:
    """The role of a folder by its full name; of the levels only the last tells."""
    if name == INBOX:
        return FolderRole.INBOX
    return _BY_NAME.get(_key(name.rpartition("/")[2]), FolderRole.NONE)


def _key(name: str) -> str:
    """
    The form under which spellings of one name are equal.

    Apple decomposes accents, programs vary in case, and a Turkish capital İ becomes an i with a dot too many.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().replace("i\u0307", "i")
    return " ".join(unicodedata.normalize("NFKC", folded).split())


_SENT: Final = """
    Sent | Sent Items | Sent Messages | Sent Mail | Sent-Mail | Sent Email | Sent Objects
    Gesendet | Gesendete | Gesendete Objekte | Gesendete Elemente | Gesendete Nachrichten
    Gesendete E-Mails
    Gesendete Mails | Gesendete Post
    Envoyé | Envoyés | Messages envoyés | Éléments envoyés | Objets envoyés | Courrier envoyé
    Courriers envoyés
    Enviado | Enviados | Elementos enviados | Mensajes enviados | Correo enviado | Correos enviados
    Enviada | Enviadas | Mensagens enviadas | Itens enviados | E-mails enviados | Correio enviado
    Enviats | Elements enviats | Missatges enviats | Bidalita | Bidalitakoak
    Inviata | Inviati | Inviate | Posta inviata | Messaggi inviati | Elementi inviati
    Verzonden | Verzonden items | Verzonden objecten | Verzonden berichten | Verzonden e-mail
    Verstuurd
    Skickat | Skickade | Skickade objekt | Skickade meddelanden | Skickad e-post
    Sendt | Sendte | Sendte elementer | Sendt post | Sendt e-post | Sendte e-mails | Sendte meldinger
    Sendte beskeder | Sendir hlutir
    Lähetetyt | Lähetetyt viestit | Lähetetyt kohteet | Lähetetyt sähköpostit | Lähetetty
    Saadetud | Saadetud kirjad | Saadetud üksused | Nosūtīts | Nosūtītie | Nosūtītie vienumi
    Nosūtītās vēstules
    Išsiųsta | Išsiųsti | Išsiųsti laiškai | Išsiųsti elementai | Išsiųstieji
    Wysłane | Elementy wysłane | Wiadomości wysłane | Poczta wysłana | Wysłana
    Odeslané | Odeslaná pošta | Odeslané zprávy | Odeslané položky | Odesláno
    Odoslané | Odoslaná pošta | Odoslané správy | Odoslané položky
    Elküldött | Elküldött elemek | Elküldött üzenetek | Elküldött levelek
    Trimis | Trimise | Elemente trimise | Mesaje trimise | Poslano | Poslane | Poslane stavke
    Poslana pošta
    Poslana sporočila | Poslato | Послато | Послате ставке | Poslane poruke | Пратени
    Изпратени | Изпратени елементи | Изпратена поща
    Отправленные | Отправленные сообщения | Отправленные письма | Отправлено
    Надіслані | Надіслані елементи | Надіслане | Відправлені | Відправлене | Адпраўленыя | Дасланыя
    Απεσταλμένα | Σταλμένα | Απεσταλμένα στοιχεία | Απεσταλμένα μηνύματα
    Gönderilmiş | Gönderilen | Gönderilenler | Gönderilmiş Öğeler | Gönderilmiş Postalar
    Gönderilen Postalar
    Gönderilmiş Posta | Gönderilen Öğeler | Göndərilənlər
    נשלח | נשלחו | דואר שנשלח | פריטים שנשלחו | הודעות שנשלחו | דואר יוצא שנשלח
    المرسلة | المرسل | العناصر المرسلة | البريد المرسل | الرسائل المرسلة | بريد مرسل
    ارسال شده | ارسال‌شده | موارد ارسال شده | نامه‌های ارسال شده
    已发送 | 已发送邮件 | 已发送的邮件 | 已发送消息 | 已发邮件 | 已傳送 | 已傳送郵件 | 已傳送的郵件
    寄件備份 | 寄件備份匣
    已寄出 | 已寄郵件 | 已寄出郵件
    送信済み | 送信済 | 送信済みアイテム | 送信済みメール | 送信済メール | 送信済みトレイ
    送信済みメッセージ | 送信控え
    보낸 편지함 | 보낸편지함 | 보낸 메일함 | 보낸메일함 | 보낸 항목 | 보낸 메시지 | 보낸 메일
    Terkirim | Item Terkirim | Pesan Terkirim | Surat Terkirim | Dihantar | Item Dihantar
    Đã gửi | Thư đã gửi | Mục đã gửi | ส่งแล้ว | รายการที่ส่ง | จดหมายที่ส่ง | จดหมายที่ส่งแล้ว
    รายการที่ส่งแล้ว
    भेजे गए | भेजे गए आइटम | भेजी गई मेल | გაგზავნილი | Ուղարկված
"""
_TRASH: Final = """
    Trash | Deleted Items | Deleted Messages | Deleted Objects | Deleted | Bin | Wastebasket | Rubbish
    Papierkorb | Gelöscht | Gelöschte | Gelöschte Objekte | Gelöschte Elemente | Gelöschte Nachrichten
    Corbeille | Éléments supprimés | Messages supprimés | Supprimés
    Papelera | Papelera de reciclaje | Elementos eliminados | Mensajes eliminados | Eliminados
    Lixeira | Itens excluídos | Itens eliminados | Mensagens excluídas | Excluídos | Reciclagem
    Paperera | Elements suprimits
    Cestino | Posta eliminata | Elementi eliminati | Messaggi eliminati | Eliminati
    Prullenbak | Prullenmand | Verwijderd | Verwijderde items | Verwijderde objecten
    Verwijderde berichten
    Papperskorg | Papperskorgen | Borttaget | Borttagna objekt | Borttagna
    Papirkurv | Papirkurven | Slettet post | Slettede elementer | Slettede | Slettet
    Roskakori | Poistetut | Poistetut kohteet | Prügikast | Kustutatud | Kustutatud üksused
    Šiukšlinė | Šiukšliadėžė | Ištrinti elementai | Dzēstie vienumi
    Kosz | Elementy usunięte | Usunięte | Koš | Odstraněná pošta | Smazané | Kôš | Odstránené
    Odstránená pošta
    Lomtár | Kuka | Törölt elemek | Coș de gunoi | Coş de gunoi | Coș | Elemente șterse | Gunoi
    Smeće | Izbrisane stavke | Izbrisano | Izbrisana pošta | Otpad | Смеће
    Корзина | Удаленные | Удалённые | Удаленные элементы | Удаленные письма | Кошик | Видалені
    Видалені елементи
    Кошче | Изтрити | Изтрити елементи | Кошница | Сметніца | Κάδος | Κάδος απορριμμάτων | Διαγραμμένα
    Διαγραμμένα στοιχεία | Απορρίμματα
    Çöp | Çöp Kutusu | Silinmiş Öğeler | Silinen Öğeler | Silinmiş
    אשפה | פריטים שנמחקו | דואר שנמחק | المهملات | سلة المهملات | العناصر المحذوفة | المحذوفة
    زباله‌دان | حذف شده
    已删除 | 已删除邮件 | 已删除的邮件 | 废件箱 | 刪除的郵件 | 已刪除 | 已刪除的郵件 | 垃圾桶 | 回收筒
    ごみ箱 | ゴミ箱 | 削除済み | 削除済みアイテム | 휴지통 | 지운 편지함 | 지운편지함 | 삭제된 항목
    Sampah | Item Dihapus | Tempat Sampah | Thùng rác | Mục đã xóa | Đã xóa | ถังขยะ | รายการที่ถูกลบ
    ट्रैश
"""
_JUNK: Final = """
    Junk | Junk Mail | Junk E-mail | Junk Email | Junk-E-Mail | Spam | Bulk | Bulk Mail | Unerwünscht
    Spamverdacht
    Courrier indésirable | Indésirable | Indésirables | Pourriel | Correo no deseado | No deseado
    Correo basura
    Lixo eletrônico | Lixo eletrónico | Lixo electrónico | Correio eletrónico de lixo
    Posta indesiderata | Indesiderata
    Ongewenste e-mail | Ongewenst | Skräppost | Søppelpost | Uønsket e-post | Uønsket mail
    Roskaposti | Rämpspost | Mēstules | Wiadomości-śmieci | Niechciane | Nevyžádaná pošta
    Nevyžiadaná pošta
    Levélszemét | Mesaje nedorite | Neželena pošta | Neželjena pošta | Нежелана пошта | Спам
    Нежелательная почта | Нежелательные | Небажана пошта | Нежелана поща | Ανεπιθύμητα
    Ανεπιθύμητη αλληλογραφία
    Önemsiz | Önemsiz E-posta | Gereksiz | דואר זבל | ספאם | البريد غير الهام | بريد غير هام
    الرسائل غير المرغوب فيها | هرزنامه
    垃圾邮件 | 垃圾箱 | 垃圾郵件 | 迷惑メール | 스팸 | 스팸 메일함 | 스팸메일함 | 정크 메일 | Thư rác
    จดหมายขยะ | อีเมลขยะ
"""
_DRAFTS: Final = """
    Drafts | Draft | Entwurf | Entwürfe | Brouillon | Brouillons | Borrador | Borradores | Rascunho
    Rascunhos
    Esborranys | Bozza | Bozze | Concept | Concepten | Klad | Utkast | Kladde | Kladder | Luonnos
    Luonnokset | Mustandid
    Juodraščiai | Melnraksti | Szkice | Wersje robocze | Kopie robocze | Robocze | Koncepty | Rozepsané
    Piszkozat
    Piszkozatok | Ciorne | Schițe | Osnutki | Skice | Нацрти | Черновики | Чернетки | Чернови
    Чарнавікі | Πρόχειρα
    Taslak | Taslaklar | טיוטות | المسودات | مسودات | پیش‌نویس‌ها | 草稿 | 草稿箱 | 草稿匣 | 下書き
    임시 보관함
    임시보관함 | Draf | Konsep | Thư nháp | Nháp | ร่าง | แบบร่าง | ड्राफ़्ट
"""
_ARCHIVE: Final = """
    Archive | Archives | Archived | Archiv | Archivo | Archivados | Arquivo | Arquivo morto | Arxiu
    Archivio | Archief
    Arkiv | Arkisto | Arhiiv | Archyvas | Arhīvs | Archiwum | Archív | Archívum | Arhivă | Arhiva
    Arhiv | Архив | Архів
    Архіў | Αρχείο | Αρχειοθήκη | Arşiv | ארכיון | الأرشيف | أرشيف | بایگانی | 归档 | 存档 | 封存
    アーカイブ | 보관 | 보관함 | Arsip
    Lưu trữ | เก็บถาวร
"""
_NAMES: Final = {
    FolderRole.SENT: _SENT,
    FolderRole.TRASH: _TRASH,
    FolderRole.JUNK: _JUNK,
    FolderRole.DRAFTS: _DRAFTS,
    FolderRole.ARCHIVE: _ARCHIVE,
}
_BY_NAME: Final = {
    _key(name): role
    for role, names in _NAMES.items()
    for line in names.strip().splitlines()
    for name in line.split("|")
}
