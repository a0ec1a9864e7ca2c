"""Tables of rows, and the settings in the rows of what is trained: frozen, checked, readable in later
releases. No torch.

    VARIANTS = Registry("variant", {"model2": CaptionerConfig("resnet101")})
    VARIANTS["model2"].with_settings(["epochs=3"])  # as `--set epochs=3` does
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from math import inf
from operator import ge, gt, lt
from typing import Any, Self, TypeVar, get_args, get_type_hints

from .errors import BadSetting, UnknownName

logger = logging.getLogger(__name__)
Row = TypeVar("Row")


class Registry(Mapping[str, Row]):
    """A thing with variants as a table of rows by name: captioners, spaces, backbones, modes, formats,
    remedies.

    kind: what a row is, in the singular, for messages: "mode"
    """

    def __init__(self, kind: str, rows: Mapping[str, Row] | None = None) -> None:
        self.kind = kind
        self._rows: dict[str, Row] = {}
        for name, row in (rows or {}).items():
            self.add(name, row)

    def add(self, name: str, row: Row) -> Row:
        """Register a row. errors: BadSetting for a name that is taken."""
        if name in self._rows:
            raise BadSetting(f"There already is a {self.kind} {name!r}. Give the new one another name.")
        self._rows[name] = row
        return row

    def __getitem__(self, name: str) -> Row:
        """The row of that name; UnknownName lists the others and the nearest."""
        if not isinstance(name, str) or name not in self._rows:
            raise UnknownName.among(self.kind, name, self._rows)
        return self._rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._rows)})"


def setting(
    default: Any = MISSING,
    *,
    choices: Iterable[str | None] = (),
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    training: bool = False,
    was: str = "",
    values_were: Mapping[str, str] | None = None,
    since: Sequence[str] = (),
    elsewhere: str = "",
    also: str = "",
) -> Any:
    """A field of a Config, with what its values are checked by and how it counts in a fingerprint.

    choices:   what it may hold; also: how further choices begin, which are looked up when they are used
    at_least, above, below: bounds; below=inf: a finite number
    training:  it matters only while training, so that an answer and a fingerprint outlive a change of it
    was:       its name up to release 0.5.0, under which it still counts in a fingerprint and is read
    values_were: values that had another name then, as {now: then}
    since:     it came later: it counts in a fingerprint only where one of these fields isn't as by default,
               so that what was trained before keeps its fingerprint
    elsewhere: what other programs call it; `--set` takes that, too
    """
    facts = {
        "choices": tuple(choices),
        "also": also,
        "at_least": at_least,
        "above": above,
        "below": below,
        "training": training,
        "was": was,
        "values_were": dict(values_were or {}),
        "since": tuple(since),
        "elsewhere": elsewhere,
    }
    return field(default=default, metadata=facts)


@dataclass(frozen=True)
class Checked:
    """A frozen record in which nothing stands that can't be.

    Fields made by `setting` are checked against their type, choices and bounds whenever one is made. What
    fields must be to each other stands in `rules`.
    errors: UnknownName for a choice that there isn't, BadSetting for the rest
    """

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for one in fields(self):
            if one.metadata:
                _check(one.name, getattr(self, one.name), hints[one.name], one.metadata)
        for broken, why in self.rules():
            if broken:
                raise BadSetting(why)

    def rules(self) -> Iterator[tuple[bool, str]]:
        """What fields must be to each other: (whether it is broken, why that cannot be), the first one that
        is broken counts."""
        yield from ()


class Config(Checked):
    """The settings of something trained: a frozen row of a table, readable in later releases. All fields are
    made by `setting`."""

    @classmethod
    def known_fields(cls) -> "list[Field[Any]]":
        """Its fields, those that outlive the training first."""
        return sorted(fields(cls), key=lambda one: bool(one.metadata["training"]))

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {one.name: getattr(self, one.name) for one in self.known_fields()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """A config of what `to_json` gave, in this release or an older one: names and values that have
        changed are read.

        errors: UnknownName for a field that there isn't, else as for the class
        """
        return cls(**cls._named(values, say_old=False))

    @classmethod
    def _named(cls, values: Mapping[str, Any], say_old: bool) -> dict[str, Any]:
        """The values under today's names."""
        names = {
            name: one
            for one in fields(cls)
            for name in (one.metadata["elsewhere"], one.metadata["was"], one.name)
            if name
        }
        named = {}
        for name, value in values.items():
            if name not in names:
                raise UnknownName.among("field", name, [one.name for one in fields(cls)])
            now, facts = names[name].name, names[name].metadata
            if say_old and name == facts["was"]:
                logger.warning("The field %s is now called %s.", name, now)
            news = {old: new for new, old in facts["values_were"].items()}
            named[now] = news.get(value, value) if isinstance(value, str) else value
        return named

    def with_settings(self, settings: Iterable[str]) -> Self:
        """A copy with "field=value" settings applied, each read by its field's type.

        errors: BadSetting for a malformed one or a value of the wrong type, UnknownName for a field that
                there isn't
        """
        texts = {}
        for one in settings:
            name, equals, text = one.partition("=")
            if not equals:
                raise BadSetting(f"A setting is field=value, not {one!r}.")
            texts[name] = text
        hints = get_type_hints(type(self))
        named = self._named(texts, say_old=True)
        return replace(self, **{name: _parsed(name, text, hints[name]) for name, text in named.items()})

    def fingerprinted(self) -> dict[str, Any]:
        """What of the settings changes an answer, under the names these had in release 0.5.0: the part of a
        fingerprint that is theirs."""
        counted, usual = {}, {one.name: one.default for one in fields(self)}
        for one in fields(self):
            facts, value = one.metadata, getattr(self, one.name)
            as_before = facts["since"] and all(getattr(self, name) == usual[name] for name in facts["since"])
            if not facts["training"] and not as_before:
                counted[facts["was"] or one.name] = facts["values_were"].get(value, value)
        return counted


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Config):
    """How long and how fast something is trained: what all that is trained here has in common.

    epochs, batch_size (in captions, pairs or sentences), learning_rate, weight_decay: the optimizer's
    optimizer:  "adam" (AdamW), "sgd" (momentum 0.9) or "nesterov" (the same with Nesterov's)
    clip_norm:  gradients are scaled down to this norm
    schedule:   of the rate: "constant", or "cosine" down to a hundredth, after `warmup` (share of all steps)
    average:    share of the past in the exponential moving average of the weights that is validated and
                kept; 0: none
    """

    epochs: int = setting(5, at_least=1, training=True, elsewhere="max_epochs")
    batch_size: int = setting(128, at_least=1, training=True)
    optimizer: str = setting("adam", choices=("adam", "sgd", "nesterov"), training=True)
    learning_rate: float = setting(1e-3, above=0, below=inf, training=True)
    weight_decay: float = setting(0.0, at_least=0, below=inf, training=True, elsewhere="decay_c")
    clip_norm: float = setting(5.0, above=0, training=True, elsewhere="grad_clip")
    schedule: str = setting("constant", choices=("constant", "cosine"), training=True)
    warmup: float = setting(0.0, at_least=0, below=1, training=True)
    average: float = setting(0.0, at_least=0, below=1, training=True)


C = TypeVar("C", bound=Config)
_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {"at_least": ge, "above": gt, "below": lt}


def run_name(name: str, config: Config, row: Config) -> str:
    """A name for a run: that of the row, with the fields that differ from it.

    run_name("model2", replace(VARIANTS["model2"], epochs=3), VARIANTS["model2"])  # "model2-epochs=3"
    """
    ours, theirs = config.to_json(), row.to_json()
    return "-".join([name, *(f"{key}={value}" for key, value in ours.items() if value != theirs[key])])


def _kinds(hint: Any) -> tuple[type, ...]:
    """The types a field may hold: those of `str | None` are str and NoneType."""
    return get_args(hint) or (hint,)


def _check(name: str, value: Any, hint: Any, facts: Mapping[str, Any]) -> None:
    """BadSetting for a value of the wrong type or out of bounds, UnknownName for another choice."""
    kinds = _kinds(hint)
    taken = (*kinds, int) if float in kinds else kinds
    if not isinstance(value, taken) or (isinstance(value, bool) and bool not in kinds):
        raise BadSetting(f"{name} takes {_type_named(kinds)}, not {value!r}.")
    if (
        facts["choices"]
        and value not in facts["choices"]
        and not str(value).startswith(facts["also"] or "\0")
    ):
        raise UnknownName.among(name, str(value), [str(choice) for choice in facts["choices"]])
    bounds = {way: facts[way] for way in _BOUNDS if facts[way] is not None}
    # nan is neither above nor below anything, and so refused
    if not all(_BOUNDS[way](value, bound) for way, bound in bounds.items()):
        texts = [f"{way.replace('_', ' ')} {bound}" for way, bound in bounds.items() if bound != inf]
        number = "a number " if inf in bounds.values() else ""
        raise BadSetting(f"{name} must be {number}{' and '.join(texts)}, not {value}.")


def _type_named(kinds: Sequence[type]) -> str:
    if bool in kinds:
        return "true or false"
    return f"a value of type {' or '.join(kind.__name__ for kind in kinds if kind is not type(None))}"


def _parsed(name: str, text: str, hint: Any) -> Any:
    """A setting's text as a value of the field's type; "none" where that may be."""
    kinds = _kinds(hint)
    if text.lower() in ("none", "null") and type(None) in kinds:
        return None
    kind = next(kind for kind in kinds if kind is not type(None))
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise BadSetting(f"{name} takes {_type_named(kinds)}, not {text!r}.") from None
