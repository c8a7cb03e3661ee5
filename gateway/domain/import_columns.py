"""What the columns of a file mean: a proposal by the words of the header (English, Russian, Polish) and by content.

The proposal is only a proposal: a person sees it with samples and changes it before anything is written. Words of a
header are compared folded (small letters, without marks), a word ending in `*` stands for its inflections. Content
overrules the header only where it leaves no doubt, as with a column of e-mail addresses under "Contact".
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SAMPLES = 5
SAMPLE_LENGTH = 80


class Target(StrEnum):
    """What a column can become of a card."""

    IGNORE = "ignore"
    NAME = "name"
    LAST_NAME = "last_name"
    FIRST_NAME = "first_name"
    MIDDLE_NAME = "middle_name"
    NUMBER = "number"
    EMAIL = "email"
    ORGANISATION = "organisation"
    JOB_TITLE = "job_title"
    CITY = "city"
    LINE_OF_BUSINESS = "line_of_business"
    OWNER = "owner"
    PRIORITY = "priority"
    HEAT = "heat"
    STAGE = "stage"
    SOURCE = "source"
    TIMEZONE = "timezone"
    BIRTHDAY = "birthday"
    NOTE = "note"
    POSTAL = "postal"
    SITE = "site"
    MESSENGER = "messenger"
    EXTERNAL_ID = "external_id"


FIELD = "field:"
"""What a column of a custom field is mapped to begins with this; its key follows."""
SEVERAL = frozenset(
    {Target.IGNORE, Target.NUMBER, Target.EMAIL, Target.NOTE, Target.POSTAL, Target.SITE, Target.MESSENGER}
)
"""Targets that more than one column may have."""

_WORDS: Mapping[Target, tuple[str, ...]] = {
    Target.NUMBER: (
        "phone*", "telephone*", "tel", "mobile*", "cell*", "number", "msisdn", "phone number", "mobile phone", "fax",
        "телефон*", "тел", "моб*", "сотов*", "номер телефон*", "номер тел", "номер", "контактн* телефон*", "факс",
        "telefon*", "komork*", "numer telefon*", "nr telefon*", "nr tel", "kom", "numer",
    ),
    Target.EMAIL: (
        "e mail*", "email*", "mail", "e mail address*", "почта", "эл* почта", "электронн* почт*", "эл* адрес*",
        "электронн* адрес*", "емейл", "имейл", "poczta", "adres e mail", "adres email", "мейл",
    ),
    Target.NAME: (
        "name", "full name", "contact", "contact name", "client", "client name", "customer", "customer name", "person",
        "фио", "ф и о", "имя контакта", "имя фамилия", "фамилия имя", "фамилия имя отчество", "клиент*", "имя клиента",
        "контакт",
        "контактн* лицо", "абонент", "покупател*",
        "imie i nazwisko", "nazwisko i imie", "klient*", "osoba kontaktow*", "kontakt", "nabywc*",
    ),
    Target.FIRST_NAME: ("first name", "given name", "forename", "имя", "imie"),
    Target.LAST_NAME: ("last name", "surname", "family name", "фамили*", "nazwisk*"),
    Target.MIDDLE_NAME: ("middle name", "patronymic", "отчеств*", "drugie imie"),
    Target.ORGANISATION: (
        "company*", "organi*ation*", "organisation*", "organization*", "account name", "firm", "employer",
        "компан*", "организац*", "фирм*", "юр* лицо", "контрагент*", "предприяти*", "название компании",
        "firm*", "nazwa firm*", "organizacj*", "przedsiebiorstw*", "kontrahent*", "spolk*",
    ),
    Target.JOB_TITLE: ("job title", "title", "position", "post", "должност*", "stanowisk*"),
    Target.CITY: ("city", "town", "город*", "населенн* пункт*", "miast*", "miejscowosc*"),
    Target.LINE_OF_BUSINESS: (
        "line of business", "industry", "sector", "business", "отрасл*", "сфер* деятельност*", "вид* деятельност*",
        "branz*", "rodzaj dzialalnosci",
    ),
    Target.OWNER: (
        "owner", "manager", "responsible", "account manager", "assigned*", "sales rep*", "менеджер*", "ответственн*",
        "продавец", "opiekun*", "handlowiec", "menedzer*", "odpowiedzialn*",
    ),
    Target.PRIORITY: ("priority", "приоритет*", "важност*", "priorytet*"),
    Target.HEAT: ("heat", "temperature", "lead temperature", "теплот*", "температур*", "temperatur*"),
    Target.STAGE: ("stage", "status", "lead status", "стади*", "статус*", "этап*", "etap*"),
    Target.SOURCE: (
        "source", "lead source", "campaign", "channel", "источник*", "канал*", "кампани*", "реклам* источник*",
        "zrodl*", "kampani*", "kanal*",
    ),
    Target.TIMEZONE: ("time zone", "timezone", "часов* пояс*", "таймзон*", "strefa czasow*"),
    Target.BIRTHDAY: (
        "birthday", "birth date", "date of birth", "dob", "день рождени*", "дата рождени*", "др", "data urodzen*",
        "urodzin*",
    ),
    Target.NOTE: (
        "note*", "comment*", "remark*", "description", "комментари*", "примечани*", "заметк*", "описани*", "коммент*",
        "uwag*", "komentarz*", "notatk*", "opis*",
    ),
    Target.POSTAL: ("address", "street*", "postal address", "адрес*", "улиц*", "почтов* адрес*", "adres*", "ulic*"),
    Target.SITE: ("site", "website", "web", "url", "homepage", "www", "сайт*", "адрес сайта", "веб*", "stron*"),
    Target.MESSENGER: ("telegram", "whatsapp", "viber", "skype", "messenger", "мессенджер*", "телеграм*", "вотсап"),
    Target.EXTERNAL_ID: (
        "id", "external id", "crm id", "client id", "customer id", "contact id",
        "ид", "идентификатор*", "код", "код клиента", "identyfikator*",
    ),
}  # fmt: skip
_PHONE_KINDS = (
    ("mobile", ("mobil*", "cell*", "моб*", "сотов*", "komork*", "kom")),
    ("work", ("work*", "office", "business", "раб*", "служеб*", "офис*", "sluzbow*", "praca", "firm*")),
    ("home", ("home", "дом*", "domow*")),
    ("fax", ("fax", "факс*", "faks*")),
)
_SIGNS = re.compile(r"[^\w]+|_")
_CONTENT = 0.7
"""Share of the filled cells that must look alike before content speaks."""


class Look(StrEnum):
    """What a cell looks like."""

    NUMBER = "number"
    EMAIL = "email"
    DATE = "date"
    SITE = "site"
    PERSON = "person"
    AMOUNT = "amount"
    TEXT = "text"


_TIME = r"[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
_LOOKS = (
    (Look.EMAIL, re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]{2,}")),
    (Look.DATE, re.compile(rf"(\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}-\d\d-\d\d)({_TIME})?")),
    (Look.SITE, re.compile(r"(https?://\S+|www\.\S+)", re.IGNORECASE)),
    (Look.NUMBER, re.compile(r"['=\"]*[+(]?\d[\d\s().\u00a0/-]{5,}\d?.{0,40}", re.DOTALL)),
    (Look.AMOUNT, re.compile(r"-?\d{1,6}([.,]\d{1,4})?")),
    (Look.PERSON, re.compile(r"[^\W\d_a-zа-я][\w'-]+(\s+[^\W\d_a-zа-я][\w.'-]*){1,3}")),
)


def look_of(text: str) -> Look:
    """What one filled cell looks like."""
    text = text.strip()
    for look, pattern in _LOOKS:
        if pattern.fullmatch(text) and (look is not Look.NUMBER or 7 <= sum(c.isdigit() for c in text) <= 40):
            return look
    return Look.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as it was found."""

    index: int
    """From 0."""
    header: str
    """As it stands in the file; empty where the file has no header."""
    samples: tuple[str, ...]
    """The first different values, shortened."""
    filled: float
    """Share of the sampled rows that have a value."""
    looks: Mapping[str, float]
    """Share of the filled cells by what they look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a column is taken for until a person says otherwise."""

    target: str
    because: str
    """`header`, `content`, or empty for a column that is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldKind:
    """A custom field of cards, as far as an import needs it."""

    key: str
    label: str
    kind: str
    """`text`, `number`, `date`, `choice` or `yes_no`."""
    choices: tuple[str, ...] = ()


def column_of(index: int, header: str, cells: Sequence[str]) -> Column:
    """A column from its sampled cells."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    looks: dict[str, int] = {}
    for cell in filled:
        looks[look_of(cell)] = looks.get(look_of(cell), 0) + 1
    return Column(
        index=index,
        header=" ".join(header.split())[:200],
        samples=tuple(" ".join(s.split())[:SAMPLE_LENGTH] for s in list(dict.fromkeys(filled))[:SAMPLES]),
        filled=round(len(filled) / len(cells), 3) if cells else 0.0,
        looks={look: round(n / len(filled), 3) for look, n in looks.items()},
    )


def is_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row names columns: words known from headers, or words above cells that look otherwise."""
    cells = [cell.strip() for cell in row]
    if not any(cells):
        return False
    looks = [look_of(cell) for cell in cells if cell]
    if any(look in (Look.EMAIL, Look.NUMBER, Look.DATE, Look.SITE) for look in looks):
        return False
    if any(_best(cell)[0] is not Target.IGNORE for cell in cells if cell):
        return True
    under = [look_of(c) for other in below for c in other if c.strip()]
    data = sum(look in (Look.EMAIL, Look.NUMBER, Look.DATE) for look in under)
    return bool(under) and data / len(under) >= 0.2 and all(look is Look.TEXT for look in looks)


def propose(columns: Sequence[Column], fields: Sequence[FieldKind] = ()) -> list[Proposal]:
    """What each column probably is; a target that only one column may have goes to the one that fits best."""
    wishes = [_wish(column, fields) for column in columns]
    taken: dict[str, int] = {}
    for index in sorted(range(len(wishes)), key=lambda i: (-wishes[i][2], i)):
        target = wishes[index][0]
        if target not in SEVERAL:
            taken.setdefault(target, index)
    if _parts_of_a_name(taken):
        taken.pop(Target.NAME, None)
    return [
        Proposal(target=target, because=because)
        if target in SEVERAL or taken.get(target) == index
        else Proposal(target=Target.IGNORE, because="")
        for index, (target, because, _) in enumerate(wishes)
    ]


def _parts_of_a_name(taken: Mapping[str, int]) -> bool:
    """A whole name and its parts in one file would stand in the card twice."""
    return Target.NAME not in taken and Target.LAST_NAME in taken


def _wish(column: Column, fields: Sequence[FieldKind]) -> tuple[str, str, int]:
    """Target, reason, and how sure."""
    if not column.samples and not column.header:
        return Target.IGNORE, "", 0
    by_content = _by_content(column)
    if by_content is Target.EMAIL:
        return by_content, "content", 90
    for field in fields:
        if column.header and folded(column.header) in (folded(field.label), field.key.replace("_", " ")):
            return FIELD + field.key, "header", 100
    target, sure = _best(column.header)
    if target is not Target.IGNORE and not _denied(target, column):
        return target, "header", sure
    if by_content is not None:
        return by_content, "content", 10
    return Target.IGNORE, "", 0


def _by_content(column: Column) -> Target | None:
    shares = column.looks
    for look, target in (
        (Look.EMAIL, Target.EMAIL),
        (Look.NUMBER, Target.NUMBER),
        (Look.SITE, Target.SITE),
        (Look.PERSON, Target.NAME),
    ):
        if shares.get(look, 0.0) >= _CONTENT:
            return target
    return None


def _denied(target: Target, column: Column) -> bool:
    """Content that cannot be what the header says: a "number" of an order, a "client" that is a sum."""
    if not column.samples:
        return False
    digits = column.looks.get(Look.AMOUNT, 0.0)
    if target in (Target.NAME, Target.ORGANISATION, Target.CITY) and digits >= 0.9:
        return True
    generic = folded(column.header) in ("number", "номер", "numer")
    return target is Target.NUMBER and generic and column.looks.get(Look.NUMBER, 0.0) < 0.5


def folded(text: str) -> str:
    """A header's words without case, marks and signs."""
    plain = unicodedata.normalize(
        "NFKD", text.casefold().replace("№", " ").replace("ё", "е").replace("й", "\0").replace("ł", "l")
    )
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("\0", "й")
    return " ".join(re.sub(r"\b\d+\b", " ", _SIGNS.sub(" ", plain)).split())


def _fits(phrase: str, words: Sequence[str]) -> bool:
    return all(any(w.startswith(p[:-1]) if p.endswith("*") else w == p for w in words) for p in phrase.split())


def _best(header: str) -> tuple[Target, int]:
    """The target whose phrase covers most of the header, and how well."""
    words = folded(header).split()
    if not words or len(words) > 8:
        return Target.IGNORE, 0
    found = (Target.IGNORE, 0)
    for target, phrases in _WORDS.items():
        for phrase in phrases:
            size = len(phrase.split())
            exact = size == len(words)
            if size > len(words) or (not exact and phrase in _ONLY_ALONE) or not _fits(phrase, words):
                continue
            sure = 20 * size + (50 if exact else 0) + (5 if "*" not in phrase else 0)
            if sure > found[1]:
                found = (target, sure)
    return found


_ONLY_ALONE = frozenset(
    {"id", "ид", "код", "number", "номер", "numer", "name", "title", "post", "status", "contact", "контакт", "web"}
    | {"kontakt", "business", "channel", "client", "customer", "firm", "kom", "mail", "имя", "imie"}
)
"""Words that say something only when nothing stands beside them."""


def phone_kind(header: str) -> str:
    """`mobile`, `work`, `home`, `fax` or `phone`, by the header of a column of numbers."""
    words = folded(header).split()
    for kind, phrases in _PHONE_KINDS:
        if any(_fits(phrase, words) for phrase in phrases):
            return kind
    return "phone"
