"""Field choice: `?fields=id,state` gives those fields of each entry and nothing else.

Every GET that answers with JSON takes it, so no endpoint writes anything for it: the names are those of the answer's
model, of its entries where it is a list. What belongs to the list itself, `next` above all, always stays.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from gateway.api.problems import FieldFault, InvalidRequestError

PARAMETER = "fields"
MOST = 100
"""Names that may be given, empty ones too; none has so many fields, so more is no honest question."""
ENTRIES = "items"

Chosen = frozenset[str]
Pairs = list[tuple[str, str]]


class Choice:
    """What can be chosen of one answer."""

    def __init__(self, answer: type[BaseModel]) -> None:
        self.answer = answer
        entry = entry_of(answer)
        self.entry = entry or answer
        self._is_list = entry is not None
        self._fields = {_json_name(self.entry, name): name for name in self.entry.model_fields}

    @property
    def names(self) -> list[str]:
        """The names that may be given, in the order of the answer."""
        return list(self._fields)

    def taken_from(self, pairs: Iterable[tuple[str, str]]) -> tuple[Chosen | None, Pairs]:
        """Take the choice out of a query.

        Args:
            pairs: names and texts of the query.

        Returns:
            The chosen names, None: everything; and the rest of the query.

        Raises:
            InvalidRequestError: a name is none of the answer's; the names that are allowed are told.
        """
        given, rest = [], []
        for name, text in pairs:
            if name == PARAMETER:
                given += text.split(",")
            else:
                rest.append((name, text))
        names = [name for name in given if name]
        if any(name not in self._fields for name in names):
            raise _refused("unknown_field", f"There is no such field; there are: {', '.join(self._fields)}.")
        if len(given) > MOST:
            raise _refused("length", f"At most {MOST} fields can be chosen.")
        return (frozenset(names) if names else None), rest

    def written(self, model: BaseModel, chosen: Chosen) -> bytes:
        """The answer's JSON with the chosen fields only."""
        wanted: Any = {self._fields[name] for name in chosen}
        if self._is_list:
            others = (name for name in type(model).model_fields if name != ENTRIES)
            wanted = dict.fromkeys(others, True) | {ENTRIES: {"__all__": wanted}}
        return model.__pydantic_serializer__.to_json(model, by_alias=True, include=wanted)

    def cut(self, body: bytes, chosen: Chosen) -> bytes:
        """The same of an answer that is JSON already."""
        whole = json.loads(body)
        if self._is_list:
            whole[ENTRIES] = [_kept(entry, chosen) for entry in whole[ENTRIES]]
        else:
            whole = _kept(whole, chosen)
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _refused(code: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([FieldFault(place="query", pointer=f"#/{PARAMETER}", code=code, detail=detail)])


def entry_of(answer: type[BaseModel]) -> type[BaseModel] | None:
    """The model of a list's entries; None: the answer is no list."""
    field = answer.model_fields.get(ENTRIES)
    if field is None or get_origin(field.annotation) is not tuple:
        return None
    inner = get_args(field.annotation)[0]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _json_name(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    return field.serialization_alias or field.alias or name


def _kept(entry: Mapping[str, object], chosen: Chosen) -> dict[str, object]:
    return {name: value for name, value in entry.items() if name in chosen}
