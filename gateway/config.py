"""Reading the settings: one TOML file, environment overrides, everything checked before a socket opens.

Nothing else in the product reads the environment. `load` gives `Settings` or raises one `ConfigurationError`
that lists every fault at once: the key in dotted form, the value given (secrets masked), what is allowed.

A key `database.url` is overridden by `TRUNKLINE_DATABASE__URL`; lists are given as JSON. Relative paths count
from the folder of the file, without a file from the current folder.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from gateway.domain.errors import Rejected
from gateway.settings import ENVIRONMENT_PREFIX, Pbx, PlainError, Settings, base_folder

FILE_VARIABLE = "TRUNKLINE_CONFIG"
FOREIGN_VARIABLES = ("TRUNKLINE_LAB", "TRUNKLINE_TEST")  # the lab's and the tests' own switches
DEFAULT_FILE = Path("trunkline.toml")


class ConfigurationError(Rejected, ValueError):
    """The settings are wrong; correct them as listed.

    Attributes:
        faults: one sentence per wrong key, in the order of the keys.
    """

    def __init__(self, source: str, faults: tuple[str, ...]) -> None:
        self.faults = faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n  ".join([f"settings from {source}: {count}", *faults]))


RENAMED: Mapping[str, str] = {}
"""Keys that have got another name, dotted, with `NAME` for a PBX; the old one is told with the new one for ever."""


def load(path: Path | None = None, *, renamed: Mapping[str, str] = RENAMED) -> Settings:
    """Read and check all settings.

    Args:
        path: the file; None means the one TRUNKLINE_CONFIG names, else `trunkline.toml` in the current
            folder if there is one, else defaults and environment alone.
        renamed: old names of keys with the new ones.

    Returns:
        The settings, paths absolute.

    Raises:
        ConfigurationError: with every fault found.
    """
    file = file_of(path)
    token = base_folder.set(file.absolute().parent if file else Path.cwd())
    source = str(file) if file else "the environment"
    try:
        return _checked(_table(file) if file else {}, source, renamed)
    finally:
        base_folder.reset(token)


def known_keys(section: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that holds a value, dotted, with its field; `NAME` stands for a PBX, `[]` for a list."""
    for name, field in section.model_fields.items():
        inner = _section(field.annotation)
        if inner is None:
            yield prefix + name, field
        elif inner is Pbx:
            yield from ((key, leaf) for key, leaf in known_keys(Pbx, "pbx.NAME.") if key != "pbx.NAME.name")
        else:
            listed = "[]" if get_origin(field.annotation) is tuple else ""
            yield from known_keys(inner, f"{prefix}{name}{listed}.")


def file_of(path: Path | None) -> Path | None:
    """The settings file that is read: the one named, else the variable's, else the usual one; None: there is none."""
    named = path or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    return named or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigurationError(str(file), (f"the file cannot be read: {fault.strerror}",)) from None
    except ValueError as fault:
        raise ConfigurationError(str(file), (f"the file is not valid TOML: {fault}",)) from None


def _checked(table: dict[str, Any], source: str, renamed: Mapping[str, str]) -> Settings:
    faults = list(_unknown_variables(renamed))
    try:
        settings = Settings(**table)
    except ValidationError as fault:
        faults += [_sentence(error, renamed) for error in fault.errors()]
    except SettingsError as fault:
        found = re.search(r'field "(\w+)"', str(fault))
        key = found[1] if found else "a key"
        faults.append(f"{key} (from {_variable(key)}): the variable does not hold valid JSON")
    else:
        if not faults:
            return settings
    raise ConfigurationError(source, tuple(faults)) from None


def _unknown_variables(renamed: Mapping[str, str]) -> Iterator[str]:
    called = {_variable(old): _variable(new) for old, new in renamed.items()}
    known = [_variable(key) for key, _ in known_keys()]
    for name in sorted(os.environ):
        key = name.upper().removeprefix(ENVIRONMENT_PREFIX)
        if key == name.upper() or name == FILE_VARIABLE or name.startswith(FOREIGN_VARIABLES):
            continue
        if key.split("__")[0].lower() not in Settings.model_fields:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see docs/configuration.md for the keys"
            if name.upper() in called:
                hint = f"it is called {called[name.upper()]} now"
            yield f"{name}: there is no such variable; {hint}"


def _sentence(error: ErrorDetails, renamed: Mapping[str, str]) -> str:
    """One fault in plain words: the key, the value given, what is allowed."""
    key = ".".join(str(step) for step in error["loc"] if step != "[key]")
    section, field = _located(error["loc"])
    variable = _variable(key)
    named = f"{key} (from {variable})" if os.environ.get(variable) else key
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, PlainError):
        return f"{named}: {cause}" if key else str(cause)
    if error["type"] == "extra_forbidden":
        new = _new_name(error["loc"], renamed)
        return f"{named}: there is no such key; {f'it is called {new} now' if new else _suggestion(key, section)}"
    allowed = f"allowed is {field.description if field else 'a table'}"
    if error["type"] == "missing":
        return f"{named} is missing; {allowed}"
    return f"{named} = {_shown(key, error['input'])} is not allowed; {allowed}"


def _new_name(loc: tuple[int | str, ...], renamed: Mapping[str, str]) -> str | None:
    """What a key is called now that had this name; None: it never had."""
    steps = [str(step) for step in loc if step != "[key]" and not isinstance(step, int)]
    own = steps[1] if len(steps) > 1 and steps[0] == "pbx" else None
    new = renamed.get(".".join([steps[0], "NAME", *steps[2:]] if own is not None else steps))
    return new if new is None or own is None else new.replace("pbx.NAME", f"pbx.{own}", 1)


def _located(loc: tuple[int | str, ...]) -> tuple[type[BaseModel], FieldInfo | None]:
    """The table that holds the last key of an error's place, and that key's field if there is one."""
    table: type[BaseModel] = Settings
    field: FieldInfo | None = None
    for depth, step in enumerate(loc):
        if isinstance(step, int) or (depth == 1 and loc[0] == "pbx"):
            continue
        if field is not None:
            table = _section(field.annotation) or table
        field = table.model_fields.get(step)
    return table, field


def _section(annotation: object) -> type[BaseModel] | None:
    """The model inside an annotation such as `Ami | None` or `tuple[Trunk, ...]`; None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section(inner))), None)


def _suggestion(wrong: str, section: type[BaseModel] | None) -> str:
    """What was probably meant: a key of the same table, else a key of another; else what the table allows."""
    stem, _, last = wrong.rpartition(".")
    siblings = list(section.model_fields) if section else []
    if near := difflib.get_close_matches(last, siblings, n=1):
        return f"did you mean {stem + '.' if stem else ''}{near[0]}?"
    if near := difflib.get_close_matches(wrong, [key for key, _ in known_keys()], n=1):
        return f"did you mean {near[0]}?"
    return f"allowed here: {', '.join(siblings)}"


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.replace(".", "__").upper()


def _shown(key: str, value: object) -> str:
    """The value given, as a person may see it in a terminal or a log."""
    match value:
        case str() if key.endswith(".secret"):
            return "****"
        case str() if "://" in value or "@" in value:
            scheme, _, rest = value.partition("?")[0].rpartition("://")
            account, _, host = rest.rpartition("@")
            return ascii(f"{scheme}://{'****@' if account else ''}{host}"[:80])
        case str():
            return ascii(f"{value[:60]}..." if len(value) > 60 else value)
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case _:
            return str(value)[:60]
