"""Names of methods, data sets and features as a paper prints them: by a rule, and as the user says."""

import re
from collections.abc import Mapping

from hashbench.records.trial_spec import (
    FLOAT16,
    FLOAT_FEATURES,
    INT8,
    ONE_HOT_CLASSES,
    PRODUCT_QUANTISER,
    RANDOM_CODES,
)

LONGEST_ACRONYM = 4  # of a name; of several words those of up to
LONGEST_ACRONYM_OF_WORDS = 3
_OWN = {
    FLOAT_FEATURES: "Float features",
    RANDOM_CODES: "Random codes",
    ONE_HOT_CLASSES: "One-hot classes",
    FLOAT16: "Float16 vectors",
    INT8: "Int8 vectors",
    PRODUCT_QUANTISER: "Product quantiser",
}


def display_name(name: str, names: Mapping[str, str]) -> str:
    """The name of a method: what ``names`` says, else an acronym where it is one short word, else words.

    "itq" is "ITQ", "spectral" is "Spectral", "ste_autoencoder" is "STE autoencoder". What only the method itself knows
    ("RaBitQ") comes with ``names``, see :func:`hashbench.plugins.spelling.spellings`.
    """
    if name in names or name in _OWN:
        return names.get(name, _OWN.get(name, name))
    if not name.isidentifier():  # of no plugin: codes from elsewhere have names of their own
        return name
    words = name.split("_")
    if len(words) == 1 and len(name) <= LONGEST_ACRONYM:
        return name.upper()
    first = words[0].upper() if len(words[0]) <= LONGEST_ACRONYM_OF_WORDS else words[0][:1].upper() + words[0][1:]
    return " ".join([first, *words[1:]])


def display_label(label: str, names: Mapping[str, str]) -> str:
    """The label of a row, "bgan (tuned) [epochs=4]", with the method's display name: "BGAN (tuned) [epochs=4]"."""
    method = re.split(r" [\[(]", label, maxsplit=1)[0]
    return names.get(label) or display_name(method, names) + label[len(method) :]
