"""How others compute mAP@k: what makes a number of a paper differ from ours, each rule with its source."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from hashbench.errors import UsageError, unknown
from hashbench.evaluation.average_precision import Denominator

Order = Literal["argsort", "database", "torch.topk", "outputs"]
Averaged = Literal["all", "hits", "relevant"]


@dataclass(frozen=True)
class Rule:
    """A definition of mAP@k.

    Attributes:
        name: what ``score --as`` takes.
        source: where it was read.
        about: what it does, in a sentence.
        order: which of the items at one distance comes first: as numpy's argsort leaves them ("argsort"), the first of
            the database ("database"), or as torch.topk leaves them; "outputs" ranks by the queries' real outputs.
        denominator: of average precision, as in :func:`hashbench.evaluation.average_precision.average_precision`.
        averaged: which queries the mean is over: "all", where those without a hit count 0; those with "hits" among the
            first k; or those with a "relevant" item in the database, as ours.
        opposite_counts: whether a relevant item whose bits all differ from the query's is a hit.
    """

    name: str
    source: str
    about: str
    order: Order
    denominator: Denominator
    averaged: Averaged
    opposite_counts: bool = True

    @property
    def needs_outputs(self) -> bool:
        """Whether it reads the queries' real outputs beside the codes."""
        return self.order == "outputs"


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "deephash",
            "swuxyj/DeepHash-pytorch, utils/tools.py, CalcTopMap",
            "ties in the order of numpy's argsort, which no version promises; queries without a hit count 0, those "
            "without any relevant item too",
            "argsort",
            "hits",
            "all",
        ),
        Rule(
            "hashnet",
            "thuml/HashNet, pytorch/src/test.py and the predict_parallel.py of caffe, mean_average_precision",
            "ties in the order of numpy's argsort; queries without a hit are left out of the mean, so that failing "
            "raises it. The script ranks by products of real outputs where the network gives them: here by codes",
            "argsort",
            "hits",
            "hits",
        ),
        Rule(
            "total-relevant",
            "pytorch-metric-learning 2.9, AccuracyCalculator, mean_average_precision; trec_eval's map_cut",
            "divided by all relevant items of the database, however few of them k ranks can hold",
            "database",
            "total",
            "relevant",
        ),
        Rule(
            "min",
            "benhamner/Metrics (Kaggle), ml_metrics.mapk; textbooks of information retrieval",
            "divided by min(k, R), R being all relevant items; queries without any count 0",
            "database",
            "min",
            "all",
        ),
        Rule(
            "oh",
            "fcakir/mihash (online hashing), evaluate.m; CISiP's FIRe, calculate_mAP of sets with several labels",
            "answered queries only: those without a hit have no AP and are left out of the mean; ties in the order of "
            "the database",
            "database",
            "hits",
            "hits",
        ),
        Rule(
            "crovca",
            "ilyassmoummad/cross-view-code-alignment, eval.py, asymhamming_dist; hashing-baseline, image/retrieval.py",
            "ranked by the L1 distance between the sigmoid of the query's real outputs and the bits, which is no "
            "Hamming distance and has hardly any ties; queries without a hit count 0",
            "outputs",
            "hits",
            "all",
        ),
        Rule(
            "torchmetrics",
            "torchmetrics 1.9, retrieval_average_precision(top_k=k), fed with the number of equal bits",
            "ties in the order of torch.topk; scores of 0, where all bits differ, are no hits; queries without any "
            "relevant item count 0. RetrievalMAP sorts all pairs by their query first, which shuffles the ties again",
            "torch.topk",
            "hits",
            "all",
            opposite_counts=False,
        ),
    )
}
_SPELT = "min(k,R)"  # in which a comma separates nothing


def chosen_rules(patterns: Iterable[str], with_outputs: bool) -> list[Rule]:
    """The rules that lists of names and globs mean, each once, in their own order.

    Args:
        patterns: "deephash,hashnet", "*", "min(k, R)".
        with_outputs: whether the queries' real outputs are there; a glob leaves out what needs them where they are not.

    Raises:
        UsageError: a name or glob means none, or a rule that is named needs outputs that are not there.
    """
    texts = [pattern.replace(" ", "").replace(_SPELT, "min") for pattern in patterns]
    names = [name for text in texts for name in text.split(",")]
    found: set[str] = set()
    for name in names:
        matching = {each for each in RULES if fnmatchcase(each, name)}
        if not matching:
            raise unknown("rule of --as", name, RULES)
        found |= {each for each in matching if each == name or with_outputs or not RULES[each].needs_outputs}
    chosen = [rule for rule in RULES.values() if rule.name in found]
    for rule in chosen:
        if rule.needs_outputs and not with_outputs:
            raise UsageError(
                f"--as {rule.name} ranks by the queries' real outputs, and none were given; add query_outputs to the "
                "arrays, float [queries, bits], the numbers of which the bits are the signs"
            )
    return chosen
