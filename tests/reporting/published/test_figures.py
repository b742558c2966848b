"""The file of published figures fits what is here, and has the figures of its sources."""

import pytest

from hashbench.data.spec import expand
from hashbench.dataset import DISTANCES
from hashbench.evaluation.metrics import declared, declared_neighbours
from hashbench.features.networks import is_network
from hashbench.features.spec import summaries
from hashbench.planning.grid import Grid
from hashbench.planning.reproduction import figure_grid, run_command
from hashbench.plugins.hyperparameters import resolve
from hashbench.plugins.registry import METHODS
from hashbench.reporting.published.figures import FigureTable, figure_tables, published_methods, tables_with

TABLES = figure_tables()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_a_table_names_a_protocol_a_metric_and_features_that_are_here(table: FigureTable) -> None:
    assert expand(table.protocol) == [table.protocol]
    metrics = declared_neighbours() if table.neighbours else declared()
    assert table.metric in {metric.id for metric in metrics}
    assert table.neighbours in ("", *DISTANCES)
    assert table.features in summaries() or is_network(table.features)
    assert table.source
    assert table.why
    for names in (table.spread, table.parameters):
        assert names.keys() <= table.rows.keys()
    for method in table.rows.keys() & set(METHODS.names()):
        resolve(method, METHODS.get(method), table.parameters.get(method, {}))
        assert isinstance(figure_grid(table, method, 1), Grid)


def test_each_length_of_a_spread_has_a_figure() -> None:
    for table in TABLES:
        for method, lengths in table.spread.items():
            assert lengths.keys() <= table.rows[method].keys()


def test_bgans_three_tables_are_told_apart() -> None:
    assert [table.rows["bgan"]["48"] for table in tables_with("bgan")] == [0.558, 0.462, 0.449]
    assert len({run_command(figure_grid(table, "bgan", 1)) for table in tables_with("bgan")}) == 3
    assert {"bgan", "itq", "lsh", "spectral"} <= set(published_methods())


def test_the_command_of_a_table_asks_for_its_run() -> None:
    (table,) = tables_with("lsh")
    assert run_command(figure_grid(table, "lsh", 3)) == (
        "hashbench run --methods lsh --bits 12,24,32,48 --datasets cifar10/unsupervised-59k --features gist "
        "--repeats 3 --set lsh.centred=False"
    )


def test_a_figure_of_neighbours_asks_for_them() -> None:
    (table,) = tables_with("rabitq")
    grid = figure_grid(table, "rabitq", 1)
    assert (grid.relevance, grid.metric) == ("neighbours", "l2")
    assert " --relevance neighbours --metric l2 --set rabitq.rotation=False" in run_command(grid)
