"""Names of fields that are known as such without a colon, and words that no field's name holds. Data, and its look-up.

Forms, invoices, receipts and payment papers in Russian, English, German and Chinese; a name is compared without case,
`ё` as `е`, and without a colon, points, `#`, a rate or brackets at its end.
"""

import re

_CODES = """
инн|кпп|инн/кпп|огрн|огрнип|бик|окпо|окато|октмо|оквэд|окфс|окопф|кбк|уин|снилс|р/с|р/сч|к/с|к/сч|л/с|рс|кс
расчетный счет|расчётный счет|корреспондентский счет|корр. счет|корр.счет|корсчет|кор. счет|лицевой счет|сч. №
счет №|счет на оплату №|счет-фактура №|договор №|акт №|накладная №|заказ №|исх. №|вх. №|платежное поручение №
протокол №|решение №|постановление №|справка №|квитанция №|чек №|заявление №|спецификация №|полис №|приказ №
доверенность №|тел|тел./факс|факс
iban|swift|bic|vat no|vat number|vat id|vat reg no|tax id|ust-idnr|ust-id-nr|steuernummer|steuer-nr|hrb
"""
_LINES = """
дата|дата рождения|дата выдачи|дата документа|дата составления|срок оплаты|итого|итого к оплате|итого с ндс|всего
всего к оплате|всего с ндс|к оплате|сумма|сумма к оплате|сумма ндс|ндс|в том числе ндс|в т.ч. ндс|без ндс|сдача
наличными|скидка|номер|номер счета|номер заказа|телефон|паспорт|паспорт серия|индекс
invoice|invoice no|invoice number|invoice date|date|due|due date|payment due|order|order no|order number|order date
po|p.o|p.o. no|p.o. number|po no|po number|purchase order|customer no|customer number|customer id|account no
account number|sort code
total|total due|total amount|grand total|subtotal|sub-total|sub total|net total|tax|sales tax|vat|gst|discount
shipping
amount due|amount|balance|balance due|amount paid|paid|cash|change|tip|delivery|receipt no|receipt number|ticket no
date of issue|issue date|date of birth|expiry date|expiration date|start date|end date|phone|telephone|tel|fax|mobile
passport no|passport number|reference|reference no|ref|time|opening balance|closing balance
rechnungsnummer|rechnungs-nr|rechnung nr|rechnungsdatum|kundennummer|kunden-nr|kundennr|datum|lieferdatum|fällig am
nettobetrag|netto|bruttobetrag|brutto|mwst|ust|gesamtbetrag|gesamt|gesamtsumme|summe|zwischensumme|endbetrag
zahlbetrag|bestellnummer|telefon|geburtsdatum|blz|kontonummer|konto-nr|tin|ein
"""
_WORDS = """
наименование|полное наименование|сокращенное наименование|банк|банк получателя|банк плательщика|получатель|плательщик
поставщик|покупатель|продавец|заказчик|исполнитель|подрядчик|грузоотправитель|грузополучатель|адрес
юридический адрес|почтовый адрес|фактический адрес|эл. почта|электронная почта|сайт|генеральный директор|директор
руководитель|главный бухгалтер|бухгалтер|кассир|фамилия|имя|отчество|фио|ф.и.о|пол|гражданство|место рождения
место работы|должность|образование|семейное положение|назначение платежа|основание|вид оплаты|очер. плат|валюта
тема|кому|от кого|подпись|кем выдан|реквизиты сторон|единица измерения|e-mail|email
name|full name|first name|last name|surname|given name|given names|middle name|nationality|citizenship|sex|gender
place of birth|occupation|job title|position|department|address|street address|city|state|country|zip|zip code
postcode|postal code|company|company name|bill to|ship to|sold to|from|to|attention|attn|subject|re|customer|client
supplier|vendor|seller|buyer|cashier|server|payment terms|terms|payment method|currency|bank|bank name|account name
account holder|signature|signed by|title|marital status|employer|contact|contact person|emergency contact|website|web
patient|patient name|patient id|physician|doctor|diagnosis|allergies|medication|description of goods|salary
vorname|nachname|anschrift|adresse|strasse|straße|ort|plz|ansprechpartner|betreff|ihr zeichen|unser zeichen|bank
姓名|性别|出生日期|身份证号|地址|住址|电话|联系电话|邮箱|单位|职务|日期|金额|合计|总计|小计|税额|开户行|开户银行|账号|银行账号|户名
付款人|收款人|付款账号|收款账号|名称|纳税人识别号|发票号码|发票代码|开票日期|合同编号|订单号|购买方|销售方|甲方|乙方
kontoinhaber|verwendungszweck|empfänger|absender|staatsangehörigkeit|geburtsort|unterschrift|kunde|lieferant
"""
_NO_NAMES = """
note|notes|please note|nb|n.b|p.s|ps|important|warning|caution|attention please|example|for example|e.g|i.e|namely
http
https|ftp|mailto|hint|tip of the day|summary|conclusion|conclusions|abstract|keywords|in short|remember|question
answer
hinweis|hinweise|achtung|wichtig|beispiel|zum beispiel|z.b|anmerkung|merke|bitte beachten
примечание|примечания|внимание|важно|например|пример|вывод|выводы|итак|а именно|т.е|т.к|вопрос|ответ
слушали|решили|постановили|выступили
注意|注|例如|例|备注|说明|提示|警告|問|答|问|注記
"""
_SENTENCE_WORDS = """
the this that these those we you they he she it i is are was were be been will shall must should can may might has
have
had do does did as follows following said says wrote asked added noted replied if when because while how why what
which who whose there
not please dear and-or our its their
это этот эта эти мы вы вам вас нам он она они что чтобы как если когда потому следующее следующие следующий
следующего нижеследующем является являются должен должна должны может могут был была было были будет будут сообщаем
просим прошу сказал сказала сказали отметил отметила
добавил добавила заявил заявила ответил ответила пояснил уважаемый уважаемая уважаемые не обязуется обязуются обязан
учесть который которая
sie wir ich er es ist sind war wird werden muss soll wie folgt folgende folgenden folgendes bitte dass wenn weil nicht
sehr geehrte geehrter unsere sagte
"""
_CAPTIONS = """
table figure fig chart chapter section part step article appendix annex exhibit schedule lesson exercise question
таблица табл рисунок рис глава раздел часть шаг статья приложение пример упражнение вопрос пункт
tabelle abbildung abb kapitel abschnitt teil schritt artikel anhang
"""
CJK_SENTENCE = frozenset("我你您她它们們这那哪了是说說吗嗎呢吧也很はがをです")
"""Characters of Chinese and Japanese sentences that a field's name does not hold."""

_TOTALS = """
итого|итого к оплате|итого с ндс|всего|всего к оплате|total|total due|grand total|subtotal|sub-total|sub total
amount due|balance due|gesamtbetrag|gesamtsumme|summe|zwischensumme|endbetrag
"""
_RATE = re.compile(r"\s*(?:\([^()]{0,20}\)|[0-9]{1,2}(?:[.,][0-9]{1,2})?\s*%)$")
_LONGEST = 60  # characters; no name is longer, and no longer text is compared


def normal(name: str) -> str:
    """A name as the look-up compares it; empty for what is too long to be one."""
    if len(name) > _LONGEST:
        return ""
    name = _RATE.sub("", name.strip().rstrip(":：").strip())
    name = " ".join(name.casefold().replace("ё", "е").replace(" / ", "/").split())
    return name.rstrip(".:：# ")


def _read(text: str) -> frozenset[str]:
    return frozenset(normal(name) for name in re.split(r"[|\n]", text) if name.strip())


CODES = _read(_CODES)
"""What a code follows, wherever in a line it stands."""
LINES = _read(_LINES)
"""What an amount, a date or a number follows, to the end of the line."""
KNOWN = CODES | LINES | _read(_WORDS)
"""All of them; the others need a colon, a cell of their own or a value beside or below them."""
TOTALS = _read(_TOTALS)
"""Those that end a list of amounts: what stands above them is an item of the list."""
NO_NAMES = _read(_NO_NAMES)
SENTENCE_WORDS = frozenset(_SENTENCE_WORDS.split())
CAPTIONS = frozenset(_CAPTIONS.split())
MOST_WORDS = max(len(name.split()) for name in KNOWN) + 1
"""Words of the longest known name, a rate behind it counted."""
STARTS = frozenset(name.split()[0].rstrip(".") for name in CODES | LINES)
"""First words of the names that need no colon, to leave out the rest of a text quickly."""
