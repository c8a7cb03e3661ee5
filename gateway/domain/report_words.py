"""The words of reports in files and letters, in the languages of the product. Screens have their own translations."""

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.domain.report_table import Cell, Table

LANGUAGES = ("en", "ru", "pl")
Words = tuple[str, str, str]

FIGURES: Mapping[str, Words] = {
    "calls": ("Calls", "Звонки", "Połączenia"),
    "calls_in": ("Calls in", "Входящие", "Przychodzące"),
    "calls_out": ("Calls out", "Исходящие", "Wychodzące"),
    "answered": ("Answered", "Отвеченные", "Odebrane"),
    "missed": ("Missed", "Пропущенные", "Nieodebrane"),
    "missed_share": ("Missed, share", "Доля пропущенных", "Udział nieodebranych"),
    "not_taken": ("Not taken", "Не взял", "Niepodjęte"),
    "lost": ("Lost in transfer", "Потеряны при переводе", "Utracone przy przekazaniu"),
    "talk_seconds": ("Talk, s", "Разговор, с", "Rozmowa, s"),
    "wait_seconds": ("Wait, s", "Ожидание, с", "Oczekiwanie, s"),
    "average_talk_seconds": ("Mean talk, s", "Средний разговор, с", "Średnia rozmowa, s"),
    "average_wait_seconds": ("Mean wait, s", "Среднее ожидание, с", "Średnie oczekiwanie, s"),
    "talk_share": ("Talk of working time", "Доля разговора в рабочем времени", "Udział rozmów w czasie pracy"),
    "numbers": ("Distinct numbers", "Уникальные номера", "Unikalne numery"),
    "numbers_long": ("Distinct numbers, long", "Уникальные, длинные", "Unikalne, długie"),
    "long_share": ("Long, share", "Доля длинных", "Udział długich"),
    "goals_reached": ("Goals reached", "Цели достигнуты", "Osiągnięte cele"),
    "touches": ("Touches", "Касания", "Kontakty"),
    "tasks_done": ("Tasks done", "Задачи выполнены", "Zadania wykonane"),
    "tasks_in_time": ("Done in time", "Выполнены в срок", "Wykonane w terminie"),
    "tasks_failed": ("Tasks failed", "Задачи провалены", "Zadania nieudane"),
    "tasks_due": ("Tasks due", "Задачи к сроку", "Zadania z terminem"),
    "tasks_overdue": ("Tasks overdue", "Задачи просрочены", "Zadania po terminie"),
    "overdue_share": ("Overdue, share", "Доля просроченных", "Udział po terminie"),
    "leads": ("New clients", "Новые клиенты", "Nowi klienci"),
    "spend": ("Spent", "Потрачено", "Wydatki"),
    "cost_per_lead": ("Per new client", "За нового клиента", "Na nowego klienta"),
    "cost_per_answered": ("Per answered call", "За отвеченный звонок", "Na odebrane połączenie"),
    "available_seconds": ("Available, s", "Доступен, с", "Dostępny, s"),
    "talking_seconds": ("In talks, s", "В разговорах, с", "W rozmowach, s"),
    "after_call_seconds": ("After calls, s", "После звонков, с", "Po rozmowach, s"),
    "break_seconds": ("On breaks, s", "На перерывах, с", "Na przerwach, s"),
    "off_seconds": ("Off, s", "Не на работе, с", "Poza pracą, s"),
    "occupancy": ("Occupancy", "Занятость", "Zajętość"),
}

LINES: Mapping[str, Words] = {
    "user": ("Manager", "Менеджер", "Handlowiec"),
    "name": ("Name", "Название", "Nazwa"),
    "kind": ("Kind", "Вид", "Rodzaj"),
    "direction": ("Direction", "Направление", "Kierunek"),
    "weekday": ("Weekday", "День недели", "Dzień tygodnia"),
    "hour": ("Hour", "Час", "Godzina"),
    "since": ("From", "С", "Od"),
    "until": ("To", "По", "Do"),
    "first_available": ("First available", "Первый раз доступен", "Pierwszy raz dostępny"),
    "last_off": ("Last off", "Ушёл", "Koniec pracy"),
    "place": ("Place", "Место", "Miejsce"),
    "before": ("before", "было", "poprzednio"),
    "total": ("Total", "Всего", "Razem"),
}

LETTER: Mapping[str, Words] = {
    "title": ("Calls of {day}", "Звонки за {day}", "Połączenia z {day}"),
    "team": ("Team {team}", "Команда {team}", "Zespół {team}"),
    "as_of": ("As of {moment}.", "По состоянию на {moment}.", "Stan na {moment}."),
    "company": ("The company", "Компания", "Firma"),
    "managers": ("Managers", "Менеджеры", "Handlowcy"),
    "goals": ("Goals", "Цели", "Cele"),
    "goal": ("Goal", "Цель", "Cel"),
    "of": ("{done} of {target}", "{done} из {target}", "{done} z {target}"),
    "reached": ("reached", "достигнута", "osiągnięty"),
    "nothing": ("Nobody called on this day.", "В этот день звонков не было.", "Tego dnia nie było połączeń."),
    "open_missed": (
        "Clients still waiting for a call back: {count}",
        "Клиенты, которым ещё не перезвонили: {count}",
        "Klienci nadal czekający na oddzwonienie: {count}",
    ),
    "more": (
        "Every figure opens into its calls: {address}",
        "Каждая цифра раскрывается до звонков: {address}",
        "Każda liczba prowadzi do połączeń: {address}",
    ),
    "why": (
        "You get this letter because a subscription of yours says so; a supervisor can end it.",
        "Вы получаете это письмо по подписке; руководитель может её отключить.",
        "Otrzymujesz ten list z powodu subskrypcji; przełożony może ją zakończyć.",
    ),
}

MEASURES: Mapping[str, Words] = {
    "numbers": ("Distinct numbers", "Уникальные номера", "Unikalne numery"),
    "calls": ("Calls", "Звонки", "Połączenia"),
    "answered": ("Answered calls", "Отвеченные звонки", "Odebrane połączenia"),
    "talk_minutes": ("Minutes of talk", "Минуты разговора", "Minuty rozmowy"),
    "outcomes": ("Calls with an outcome", "Звонки с результатом", "Połączenia z wynikiem"),
    "tasks": ("Tasks done", "Выполненные задачи", "Wykonane zadania"),
    "touches": ("Touches", "Касания", "Kontakty"),
}

_MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    "ru": (
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ),
    "pl": (
        "stycznia",
        "lutego",
        "marca",
        "kwietnia",
        "maja",
        "czerwca",
        "lipca",
        "sierpnia",
        "września",
        "października",
        "listopada",
        "grudnia",
    ),
}


def word(words: Mapping[str, Words], name: str, language: str) -> str:
    """A word in a language; one that is not known, as a kind that a site made up, stands for itself."""
    own, dot, kind = name.partition(".")
    found = words.get(own)
    text = found[LANGUAGES.index(language) if language in LANGUAGES else 0] if found else own
    return f"{text}: {kind}" if dot else text


def day_in_words(day: date, language: str) -> str:
    """A day as it is written: 22 November 2026, 22 ноября 2026, 22 listopada 2026."""
    own = language if language in LANGUAGES else "en"
    return f"{day.day} {_MONTHS[own][day.month - 1]} {day.year}"


FileCell = str | float | int | None


def file_rows(table: Table, language: str) -> list[list[FileCell]]:
    """A report as rows of a file, the header first: keys, places, each figure, and each one before where compared."""
    keys = [key for key in (table.lines[0].key if table.lines else {}) if key != "name"]
    placed = any(line.place is not None for line in table.lines)
    compared = table.before is not None
    header: list[FileCell] = [word(LINES, "name", language), *(word(LINES, key, language) for key in keys)]
    if placed:
        header.append(word(LINES, "place", language))
    for column in table.columns:
        title = word(FIGURES, column, language)
        header.append(title)
        if compared:
            header.append(f"{title} ({word(LINES, 'before', language)})")
    rows = [header]
    lines = [*table.lines, *([table.total] if table.total is not None else [])]
    for line in lines:
        is_total = line is table.total
        row: list[FileCell] = [word(LINES, "total", language) if is_total else line.name]
        row += [line.key.get(key) for key in keys]
        if placed:
            row.append(line.place)
        row += _values([line.cells[column] for column in table.columns], compared=compared)
        rows.append(row)
    return rows


def _values(cells: Sequence[Cell], *, compared: bool) -> list[FileCell]:
    found: list[FileCell] = []
    for cell in cells:
        found.append(_number(cell.value))
        if compared:
            found.append(_number(cell.before))
    return found


def _number(value: float | None) -> FileCell:
    """Whole numbers without a point."""
    return int(value) if value is not None and float(value).is_integer() else value
