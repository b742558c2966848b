"""What a hashing method declares about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Information = Literal["images", "external knowledge", "class names", "captions", "labels"]
INFORMATION: tuple[Information, ...] = get_args(Information)


@dataclass(frozen=True)
class Traits:
    """What a method declares about itself.

    Attributes:
        input: what ``fit`` and ``encode`` read: "features" [n, d] or "images" [n, 3, h, w].
        wants_features: a method on images that also reads the trial's features in training.
        supervised: reads labels; such methods have to be named on the command line and get a table of their own.
        deterministic: ``fit`` draws nothing at random, so one repetition is enough.
        paper: authors, title, venue and year.
        presets: named sets of parameters ("quick": a shorter training, for methods that take long).
        zero_is_one: the bit of a projection that is exactly 0 is 1; without it, 0. See ``HashMethod.project``.
        information: what it sees beside images: nothing, "external knowledge" (a text model, word lists), or what the
            name says; supervised says "labels".
        nested: the first L bits of a code are the L-bit code; see ``HashMethod.first_bits``.
        ranking: what its codes are ranked by: "hamming", or "estimator": by distances that it estimates
            (``HashMethod.scores``) from codes and factors kept beside them. Estimators have to be named on the
            command line and get tables of their own.
    """

    input: Literal["features", "images"] = "features"
    wants_features: bool = False
    supervised: bool = False
    deterministic: bool = False
    paper: str = ""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    zero_is_one: bool = False
    information: Information = "images"
    nested: bool = False
    ranking: Literal["hamming", "estimator"] = "hamming"

    def __post_init__(self) -> None:
        if self.information not in INFORMATION:
            raise ValueError(f"traits.information is {self.information!r}, wanted one of {', '.join(INFORMATION)}")
        if self.supervised and self.information == "images":
            object.__setattr__(self, "information", "labels")
        if self.supervised != (self.information == "labels"):
            raise ValueError(f"traits.information is {self.information!r}: who sees labels and no other is supervised")
