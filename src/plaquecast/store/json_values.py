"""Frozen things of the domain as JSON values and back, equal to the last bit, led by their type annotations."""

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from plaquecast.domain.missing import Missing, Reason

Thing = TypeVar("Thing")


def to_json_value(thing: object) -> Any:
    """Turn a dataclass, number, enumeration, date, array, tuple, mapping, `Missing` or None into plain JSON values.

    Arrays keep their number type and shape; numbers that JSON cannot hold are spelled out.

    Raises:
        TypeError: if the thing is of another kind.

    >>> to_json_value((1.5, float("inf"), Missing(Reason.NO_CORE)))
    [1.5, {'number': 'inf'}, {'missing': 'no core', 'detail': ''}]
    """
    if isinstance(thing, Missing):
        return {"missing": thing.reason.value, "detail": thing.detail}
    if isinstance(thing, Enum):
        return thing.value
    if thing is None or isinstance(thing, bool | str | int):
        return thing
    if isinstance(thing, float):
        return thing if np.isfinite(thing) else {"number": str(float(thing))}
    if isinstance(thing, np.generic):
        return to_json_value(thing.item())
    return _compound(thing)


def from_json_value(kind: Any, value: Any) -> Any:
    """Turn JSON values back into a thing of the given type; the inverse of `to_json_value`.

    Raises:
        KeyError, TypeError, ValueError: if the values do not fit the type.

    >>> from_json_value(tuple[float | Missing, ...], [1.5, {"missing": "no core", "detail": ""}])
    (1.5, Missing(reason=<Reason.NO_CORE: 'no core'>, detail=''))
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value)
    if origin is np.ndarray or kind is np.ndarray:
        return _to_array(value)
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(from_json_value(part, item) for part, item in zip(kinds, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {from_json_value(arguments[0], key): from_json_value(arguments[1], item) for key, item in value.items()}
    return _simple(kind, value)


def _compound(thing: object) -> Any:
    if isinstance(thing, date):
        return thing.isoformat()
    if isinstance(thing, np.ndarray):
        packed = base64.b64encode(np.ascontiguousarray(thing).tobytes()).decode("ascii")
        return {"dtype": thing.dtype.newbyteorder("<").str, "shape": list(thing.shape), "base64": packed}
    if is_dataclass(thing):
        return {entry.name: to_json_value(getattr(thing, entry.name)) for entry in fields(thing)}
    if isinstance(thing, tuple | list):
        return [to_json_value(item) for item in thing]
    if isinstance(thing, Mapping):
        return {to_json_value(key): to_json_value(item) for key, item in thing.items()}
    raise TypeError(f"no JSON form for {type(thing).__name__}")


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """Choose among the kinds of a union: null and missing say themselves what they are."""
    if value is None:
        return None
    if isinstance(value, dict) and "missing" in value:
        return Missing(Reason(value["missing"]), value["detail"])
    (kind,) = [each for each in kinds if each not in (types.NoneType, Missing)]
    return from_json_value(kind, value)


def _simple(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: from_json_value(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    if kind is float:
        return float(value["number"] if isinstance(value, dict) else value)
    if kind is date:
        return date.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} is not of type {kind}")


def _to_array(value: Any) -> Any:
    flat = np.frombuffer(base64.b64decode(value["base64"]), dtype=np.dtype(value["dtype"]))
    array = flat.reshape(value["shape"])
    array.setflags(write=False)
    return array


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
