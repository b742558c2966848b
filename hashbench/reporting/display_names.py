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

LONGEST_ACRONYM = 4
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

    "itq" is "ITQ", "spectral" is "Spectral", "tanh_autoencoder" is "Tanh autoencoder".
    """
    if name in names or name in _OWN:
        return names.get(name, _OWN.get(name, name))
    if not name.isidentifier():  # of no plugin: codes from elsewhere have names of their own
        return name
    words = name.split("_")
    if len(words) == 1 and len(name) <= LONGEST_ACRONYM:
        return name.upper()
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def display_label(label: str, names: Mapping[str, str]) -> str:
    """The label of a row, "bgan (tuned) [epochs=4]", with the method's display name: "BGAN (tuned) [epochs=4]"."""
    method = re.split(r" [\[(]", label, maxsplit=1)[0]
    return names.get(label) or display_name(method, names) + label[len(method) :]
