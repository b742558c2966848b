"""A grid of trials as a user asks for it; the constructor checks the values."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from hashbench.codes import check_bits
from hashbench.dataset import DISTANCES, Distance
from hashbench.errors import UsageError
from hashbench.util.numbers import INT64, whole_number

FEATURES_DTYPES = ("auto", "float32", "float16", "bfloat16")
RELEVANCE = ("labels", "neighbours")
RERUN = ("missing", "failed", "stale", "all")
RANKINGS = ("hamming", "asymmetric")
MAX_TRIALS = 100_000  # of one run
FULL: Literal["full"] = "full"
CodeLength = int | Literal["full"]
"""A number of bits, or "full": as many as the features have dimensions."""


@dataclass(frozen=True)
class Grid:
    """A grid of trials.

    Attributes:
        methods: names or globs ("*" means every unsupervised method).
        bits: code lengths, 1 to 4096, or "full" for the dimension of the features.
        datasets: names, globs or "name/protocol"; empty for the default data set.
        features: id of the features, or None for each data set's own.
        features_dtype: what deep features are extracted in: float32, float16, bfloat16, or auto (float16 on a GPU).
        repeats: repetitions with seeds of their own; deterministic methods are run once.
        preset: name of a preset, applied to the methods that have it.
        parameters: {method: {parameter: value or text}}.
        limit: train on the first N items of the protocol's training order.
        seed: root seed.
        relevance: "neighbours": relevant are the nearest neighbours of the features, also of images, and labels where
            there are some are scored beside; "labels"; or None for what the data set says.
        metric: the distance that neighbours are nearest under, l2 where it is None.
        queries, labels: options of data sets that a file describes (:attr:`Dataset.options`): what the queries are,
            where labels come from.
        rankings: what codes are ranked by, a trial each: "hamming", "asymmetric" (real queries against codes in -1 and
            +1). Estimators are ranked by their own scores, whatever stands here.
        rerun: which trials are run besides those without a record: "failed", "stale", "all", or none ("missing").

    Raises:
        UsageError: a value is out of its range.
    """

    methods: tuple[str, ...]
    bits: tuple[CodeLength, ...]
    datasets: tuple[str, ...] = ()
    features: str | None = None
    features_dtype: str = "auto"
    repeats: int = 1
    preset: str | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limit: int | None = None
    seed: int = 0
    rerun: str = "missing"
    relevance: str | None = None
    metric: str | None = None
    queries: str | None = None
    labels: str | None = None
    rankings: tuple[str, ...] = RANKINGS[:1]

    def __post_init__(self) -> None:
        if len(set(self.bits)) < len(self.bits):
            twice = next(bits for bits, times in Counter(self.bits).items() if times > 1)
            raise UsageError(f"bits have {twice} {self.bits.count(twice)} times, wanted each code length once")
        if not self.methods:
            raise UsageError("no method given; name some with --methods (hashbench list methods shows them)")
        if not self.bits:
            raise UsageError("no code length given; name some with --bits, say --bits 16,32,64")
        whole = {"repeats": whole_number("repeats", self.repeats, 1)}
        whole["seed"] = whole_number("seed", self.seed, -INT64, INT64 - 1, "a whole number of at most 64 bits")
        if self.limit is not None:
            whole["limit"] = whole_number("limit", self.limit, 1)
        for name, value in whole.items():  # numpy's as Python's, as records have them
            object.__setattr__(self, name, value)
        object.__setattr__(self, "bits", tuple(code_length(bits) for bits in self.bits))
        if self.features_dtype not in FEATURES_DTYPES:
            raise UsageError(f"features dtype is {self.features_dtype!r}, wanted one of {', '.join(FEATURES_DTYPES)}")
        self._check_rankings()
        if self.rerun not in RERUN:
            raise UsageError(f"rerun is {self.rerun!r}, wanted one of {', '.join(RERUN)}")
        if self.metric is not None and self.metric not in DISTANCES:
            raise UsageError(f"metric is {self.metric!r}, wanted one of {', '.join(DISTANCES)}")
        if self.relevance is not None and self.relevance not in RELEVANCE:
            raise UsageError(f"relevance is {self.relevance!r}, wanted one of {', '.join(RELEVANCE)}")

    @property
    def neighbours(self) -> Distance | None:
        """The distance of the neighbours that are asked to be relevant whatever the data set says."""
        if self.relevance != "neighbours":
            return None
        return next((distance for distance in DISTANCES if distance == self.metric), DISTANCES[0])

    def _check_rankings(self) -> None:
        wanted = f"wanted some of {', '.join(RANKINGS)}"
        if not self.rankings:
            raise UsageError(f"no ranking given; {wanted}")
        for ranking in self.rankings:
            if ranking not in RANKINGS:
                raise UsageError(f"rankings have {ranking!r}, {wanted}")

    def dataset_options(self) -> dict[str, str]:
        """What is set of data sets that a file describes."""
        options = {name: getattr(self, name) for name in ("metric", "queries", "labels")}
        return {name: str(value) for name, value in options.items() if value is not None}


def check_trials(trials: int, what: str) -> None:
    """Check that a run, or a part of it, is not larger than one can be.

    Args:
        trials: how many trials it has.
        what: what has them, for the message.

    Raises:
        UsageError: there are more than :data:`MAX_TRIALS`.
    """
    if trials > MAX_TRIALS:
        raise UsageError(
            f"{what} means {trials:,} trials, wanted at most {MAX_TRIALS:,} in a run; ask for fewer repetitions, code "
            "lengths, methods, data sets or values, or for a part of them at a time"
        )


def grid_fields(options: Mapping[str, Any], **readers: Callable[[Any], Any]) -> dict[str, Any]:
    """The options that are fields of a grid, each turned by its reader if it has one."""
    given = {field.name: options[field.name] for field in fields(Grid) if field.name in options}
    return {name: readers[name](value) if name in readers else value for name, value in given.items()}


def code_length(bits: object) -> CodeLength:
    """A code length: "full", or a whole number from 1 to 4096.

    Raises:
        UsageError: ``bits`` is something else.
    """
    return FULL if isinstance(bits, str) and bits == FULL else check_bits(bits)


def parse_bits(text: str) -> tuple[CodeLength, ...]:
    """Code lengths from "16,32,64" or "16,full", in the order given, without repeats.

    Raises:
        UsageError: one is neither a whole number nor "full".
    """
    lengths: list[CodeLength] = []
    for part in split_list(text):
        try:
            lengths.append(FULL if part == FULL else int(part))
        except ValueError:
            raise UsageError(
                f"bits has {part!r}, wanted whole numbers separated by commas, say 16,32,64, or full (the dimension of "
                "the features)"
            ) from None
    return tuple(dict.fromkeys(lengths))


def split_list(text: str, brackets: bool = False) -> tuple[str, ...]:
    """The parts of a comma-separated list, without blanks and repeats.

    A comma in double quotes, or behind a backslash, belongs to a name: ``"folder:a,b/set.toml",digits``.

    Args:
        text: the list.
        brackets: a comma in brackets separates nothing either, and quotes in brackets stay: "[1,2],[3]".

    Raises:
        UsageError: a quotation mark or a bracket is not closed.
    """
    parts, depth, quoted = [""], 0, False
    characters = iter(re.findall(r'\\[,"]|.', text, re.DOTALL))
    for character in characters:
        if character == '"':
            quoted = not quoted
        if brackets and not quoted:
            depth += (character in "([{") - (character in ")]}")
        if character == "," and not quoted and depth < 1:
            parts.append("")
        elif character != '"' or depth:
            parts[-1] += character[-1]
    if quoted or depth > 0:
        what = "quotation mark" if quoted else "bracket"
        raise UsageError(f'the list {text!r} has a {what} that is not closed (\\" is a quotation mark in a name)')
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def check_commas(option: str, parts: Sequence[str], is_name: Callable[[str], bool]) -> None:
    """Check that parts of a list are not one name with a comma that was not quoted.

    Args:
        option: what the list was given as, for the message.
        parts: the list.
        is_name: whether there is something of that name.

    Raises:
        UsageError: parts that nothing is called are a name when they are joined.
    """
    for start, part in enumerate(parts):
        for end in range(start + 2, len(parts) + 1):
            whole = ",".join(parts[start:end])
            if not is_name(part) and is_name(whole):
                raise UsageError(
                    f"{option} has {part!r}, which nothing is called; {whole!r} has a comma in its name: "
                    f"write {option} '\"{whole}\"'"
                )


def parse_settings(pairs: Iterable[str]) -> dict[str, dict[str, str]]:
    """``method.parameter=value`` texts as {method: {parameter: value}}.

    Raises:
        UsageError: a text has another form.
    """
    settings: dict[str, dict[str, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        method, dot, parameter = name.strip().partition(".")
        if not (equals and dot and method and parameter):
            raise UsageError(f"--set has {pair!r}, wanted METHOD.PARAMETER=VALUE, say itq.iterations=20")
        settings.setdefault(method, {})[parameter] = value.strip()
    return settings
