"""The options for scoring codes that were made elsewhere, checked by the constructor."""

from dataclasses import dataclass

from hashbench.codes import check_bits
from hashbench.errors import UsageError
from hashbench.execution.settings import Settings
from hashbench.features.networks import net_name
from hashbench.features.spec import extractor, features_dtype
from hashbench.features.weights import Weights
from hashbench.planning.grid import FEATURES_DTYPES
from hashbench.records.trial_spec import EXTERNAL, REFERENCES
from hashbench.traits import INFORMATION
from hashbench.util.device import pick_device
from hashbench.util.numbers import whole_number
from hashbench.util.progress import log_to_stderr

LONGEST_NAME = 80
SEEN = tuple(name for name in INFORMATION if name != "labels")


@dataclass(frozen=True)
class ScoreRequest:
    """How codes that were made elsewhere are to be scored.

    Attributes:
        name: the method's, as tables show it.
        encoding: how bits are written (see :mod:`hashbench.external.encodings`); None for bool arrays.
        bits: code length, needed for packed codes.
        bit_order: of packed codes: "msb" where the first bit is the highest of its byte, "lsb" where it is the lowest;
            None means "msb".
        protocol: the protocol whose queries and database they are of, as ``--datasets`` takes it; None for none.
        features: what they were made from: features of hashbench's, or "external", or "external:WORDS".
        features_dtype: float32, float16, bfloat16, or auto, as in a grid.
        supervised: the method read labels.
        information: what the method saw beside images, as traits have it; labels are said by ``supervised``.
        rules: names or globs of other people's rules by which the codes are scored as well.
        repetition: 0, 1, ...: repetitions with other seeds become one cell.
        cutoff: also score mAP at it; None with a protocol, which has its own.
        table: what to call the table without a protocol.
        leave_one_out: a query's own item, by item numbers, is left out of its ranking; not with a protocol.

    Raises:
        UsageError: a value is out of its range, or two do not go together.
    """

    name: str
    encoding: str | None = None
    bits: int | None = None
    protocol: str | None = None
    features: str = EXTERNAL
    features_dtype: str = "auto"
    supervised: bool = False
    repetition: int = 0
    cutoff: int | None = None
    table: str | None = None
    bit_order: str | None = None
    leave_one_out: bool = False
    information: str = "images"
    rules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > LONGEST_NAME:
            raise UsageError(f"--name is {self.name!r}, wanted 1 to {LONGEST_NAME} printable characters")
        if self.name in REFERENCES:
            raise UsageError(f"--name is {self.name!r}, which is a reference trial's; choose another")
        if self.information not in SEEN or (self.supervised and self.information != SEEN[0]):
            labels = "with --supervised, which says labels, none" if self.supervised else f"one of {', '.join(SEEN)}"
            raise UsageError(f"--information is {self.information!r}, wanted {labels}")
        numbers = {"repetition": whole_number("--repetition", self.repetition, 0)}
        if self.cutoff is not None:
            numbers["cutoff"] = whole_number("--cutoff", self.cutoff, 1)
        if self.bits is not None:
            numbers["bits"] = check_bits(self.bits)
        for option, value in numbers.items():  # numpy's as Python's, as records have them
            object.__setattr__(self, option, value)
        if self.bit_order is not None and self.encoding != "packed":
            raise UsageError(f"--bit-order {self.bit_order} is about --encoding packed; leave it out")
        if self.leave_one_out and self.protocol is not None:
            raise UsageError("--leave-one-out goes without --protocol, whose queries and database are as they are")
        if self.features_dtype not in FEATURES_DTYPES:
            raise UsageError(f"features dtype is {self.features_dtype!r}, wanted one of {', '.join(FEATURES_DTYPES)}")
        for option in ("cutoff", "table"):
            if self.protocol is not None and getattr(self, option) is not None:
                raise UsageError(f"--{option} goes without --protocol, which has its own; leave one of them out")


@dataclass(frozen=True)
class Features:
    """The features that codes were made from, as a trial's identity has them."""

    name: str
    dtype: str
    weights: str | None


def resolve_features(request: ScoreRequest, settings: Settings) -> Features:
    """The stated features with the dtype and the weights that a grid with these settings would have.

    Those called "external" have no weights that could be compared; their dtype is the one of features without a
    network. Tables show the name, and such codes never stand beside those on features of hashbench's.

    Raises:
        UsageError: unknown features, a network without weights, or weights of another.
    """
    name = request.features
    for net in settings.weights:
        if net != net_name(name):
            raise UsageError(f"--weights names {net!r}, the features are {name!r}; name it with --features")
    if name == EXTERNAL or name.startswith(f"{EXTERNAL}:"):
        if not name.isprintable() or len(name) > LONGEST_NAME or name.endswith(":"):
            raise UsageError(f"--features is {name!r}, wanted {EXTERNAL}:WORDS of at most {LONGEST_NAME} characters")
        return Features(name, "float32", None)
    dtype = features_dtype(request.features_dtype, pick_device(settings.device))
    try:
        own = extractor(name, Weights(settings.weights, settings.offline, log_to_stderr), dtype)
    except UsageError as error:
        raise UsageError(f"{error}; for others say --features {EXTERNAL}:NAME") from None
    return Features(own.name, own.dtype, own.weights)
