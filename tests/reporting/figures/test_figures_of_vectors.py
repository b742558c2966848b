"""Figures of data sets without images, where neighbours are relevant."""

from matplotlib.text import Text

import hashbench as hb
from hashbench.records.results import Results
from tests.reporting.made_records import make_record

HARDWARE = {"id": "aaaa", "cpu": "Xeon", "cores": 2, "gpus": [], "driver": None, "device": "cpu", "threads": 2}


def test_figures_of_vectors_name_their_rates_and_what_is_relevant() -> None:
    card = {"relevance": {"kind": "neighbours", "distance": "l2", "k": 100}, "vectors": {"zero": 0}}
    record = make_record("itq", 16, 0.5, card=card)
    record["metrics"] |= {"neighbours/recall@10": 0.5}
    rates = {"median": 100.0, "q1": 100.0, "q3": 100.0}
    measured = {
        "key": record["key"],
        "hardware": HARDWARE,
        "encode": {"images_per_s": None, "features_per_s": rates},
        "search": {},
    }
    results = Results((record,), (measured,))
    (axis,) = hb.plot(results, "throughput").axes
    assert axis.get_xlabel() == "encode, vectors per second"
    for kind in ("precision-recall", "precision-at-k"):
        assert "relevant by labels" in " ".join(text.get_text() for text in hb.plot(results, kind).findobj(Text))
