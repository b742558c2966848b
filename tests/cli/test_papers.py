"""What papers take: LaTeX with a short caption, figures as PDF, another metric, chosen code lengths, two methods."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Done
from tests.reporting.made_records import make_record, write_records

DIFFICULTY = np.random.default_rng(0).beta(2, 2, 200) * 0.4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """itq better than tanh_autoencoder in mAP@1000, worse in mAP@5000, at 16 and 32 bits, three and two seeds."""
    records, values = [], []
    for method, better, other, seeds in (("itq", 0.3, 0.2, 3), ("tanh_autoencoder", 0.1, 0.4, 2)):
        for bits in (16, 32):
            for seed in range(seeds):
                ap = DIFFICULTY + better + 0.001 * seed
                record = make_record(method, bits, float(ap.mean()), repetition=seed, card={"cutoff": 5000})
                record["metrics"]["map@5000"] = other + bits / 1000
                record["diagnostics"] = {"unique_codes": 1 if (method, bits) == ("itq", 32) else 1000}
                records.append(record)
                values.append(ap)
    records.append(make_record("reference-float", None, 0.4, card={"cutoff": 5000}))
    return write_records(tmp_path / "results", records, [*values, DIFFICULTY]).root


def cells(done: Done) -> list[tuple[str, int | None, int | None]]:
    return [(cell["method"], cell["bits"], cell["rank"]) for cell in json.loads(done.out)]


def test_another_metric_ranks_and_marks_in_every_format(folder: Path, call: Callable[..., Done]) -> None:
    usual, other = (call("leaderboard", "--format", "json", *words) for words in ((), ("--metric", "map@5000")))
    assert [method for method, bits, rank in cells(usual) if rank == 1] == ["itq", "itq"]
    assert [method for method, bits, rank in cells(other) if rank == 1] == ["tanh_autoencoder"] * 2
    for kind in ("table", "md", "latex"):
        text = call("leaderboard", "--metric", "map@5000", "--format", kind).out
        assert "mAP@5000 on " in text
        assert re.search(r"1 +[|&]? *[Tt]anh.autoencoder.*0\.416", text)
        assert "≈" not in text
    assert "Bold: best of its column. Ranks by the means alone" in " ".join(
        call("leaderboard", "--metric", "map@5000").out.split()
    )


def test_a_page_may_begin_with_another_metric(folder: Path, call: Callable[..., Done]) -> None:
    words = ("--metric", "map@5000", "--bits", "16", "--format", "html")
    assert call("leaderboard", *words).code == 2
    assert call("leaderboard", *words, "--out", "page.html").code == 0
    text = Path("page.html").read_text()
    assert '"metric":"map@5000"' in text
    assert '<span class="what">mAP@5000</span>' in text
    assert "0.416" in text
    assert 'data-bits="32"' not in text


def test_code_lengths_can_be_chosen(folder: Path, call: Callable[..., Done]) -> None:
    shown = cells(call("leaderboard", "--bits", "32", "--format", "json"))
    assert {bits for _, bits, _ in shown} == {32, None}
    assert call("plot", "map-by-bits", "--bits", "16", "--format", "svg").code == 0
    (figure,) = (folder / "figures").iterdir()
    assert ">mAP@1000 at 16 bits<" in figure.read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("leaderboard", "--metric", "map@500"),
            "no metric in these results named 'map@500'; did you mean 'map@5000'?",
        ),
        (("plot", "--metric", "chance"), "metric 'chance' ranks nothing; captions show it"),
        (("leaderboard", "--bits", "16,x"), "--bits has 'x', wanted code lengths such as 16,32"),
        (("leaderboard", "--format", "latex", "--name", "itq"), "--name has 'itq', wanted NAME=TEXT, say 'cif"),
        (("compare", "results", "--methods", "itq"), "methods is 'itq', wanted two rows such as 'itq,mine'"),
        (("compare", "results", "--methods", "itq,nobody"), "no method in these results named 'nobody'"),
        (("compare", "results"), "name two folders or records, A and B, or one folder and two of its methods"),
    ],
)
def test_what_is_not_there_is_one_line(
    folder: Path, call: Callable[..., Done], words: tuple[str, ...], says: str
) -> None:
    done = call(*words)
    assert done.code == 2
    assert says in done.err
    assert done.out == ""


def test_latex_has_a_short_caption_a_label_display_names_and_the_rest_as_a_comment(
    folder: Path, call: Callable[..., Done]
) -> None:
    text = call("leaderboard", "--format", "latex", "--name", "digits=Digits", "--name", "itq=ITQ (ours)").out
    (caption,) = re.findall(r"\\caption\{(.*)\}", text)
    assert caption.startswith(
        "mAP@1000 on Digits (holdout-200), features pixels. Mean $\\pm$ standard deviation of 2--3"
    )
    assert "one run" not in caption
    assert len(caption.split()) < 30
    assert re.search(r"\\label\{tab:digits-holdout-200-pixels-[0-9a-f]{6}\}", text)
    assert "1 & ITQ (ours) & " in text
    assert "2 & Tanh autoencoder & " in text
    assert r"\textit{Float features}" in text
    comment = " ".join(line[2:] for line in text.splitlines() if line.startswith("% "))
    assert "ties by exact expectation over all their orders" in comment
    assert "protocol card" in comment
    assert text.count("\\begin{") == text.count("\\end{") == 2
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    assert {line.count("&") for line in body.splitlines() if line.endswith(r"\\")} == {3}


def test_codes_too_few_to_tell_classes_apart_are_named_under_the_table(folder: Path, call: Callable[..., Done]) -> None:
    line = "itq 32 bits: 1 different code of 1,597 database items."
    for kind in ("table", "md", "latex"):
        text = call("leaderboard", "--format", kind).out
        assert line in text
        assert "different code" not in text.replace(line, "")
    call("leaderboard", "--format", "html")
    assert line in (folder / "leaderboard.html").read_text()


def test_figures_are_pdfs_without_a_heading_and_the_same_bytes(folder: Path, call: Callable[..., Done]) -> None:
    words = ("plot", "map-by-bits,precision-at-k", "--no-title", "--metric", "map@5000")
    first = call(*words, "--format", "pdf,svg", "--out", "first").out.splitlines()
    second = call(*words, "--format", "pdf,svg", "--out", "second").out.splitlines()
    assert [Path(file).read_bytes() for file in first] == [Path(file).read_bytes() for file in second]
    by_bits, curves = (Path(file) for file in first if file.endswith(".svg"))
    assert "map_5000" in by_bits.name
    assert "map_5000" not in curves.name
    assert ">mAP@5000<" in by_bits.read_text()
    assert "by code length" not in by_bits.read_text()
    assert Path(first[0]).read_bytes().startswith(b"%PDF")
    assert b"/FontType 3" not in Path(first[0]).read_bytes()


def test_two_methods_of_one_folder_are_compared_over_all_their_seeds(folder: Path, call: Callable[..., Done]) -> None:
    words = ("compare", "results", "--methods", "tanh_autoencoder,itq", "--allow-stale")
    content = json.loads(call(*words, "--json").out)
    assert [(cell["verdict"], cell["runs"], cell["first"]["bits"]) for cell in content["cells"]] == [
        ("better", [2, 3], 16),
        ("better", [2, 3], 32),
    ]
    assert [cell["difference"] for cell in content["cells"]] == pytest.approx([0.2005, 0.2005])
    text = call(*words).out
    assert "tanh_autoencoder -> itq" in text
    assert "2 / 3" in text
    assert "B = itq in results against A = tanh_autoencoder in results: 2 better" in " ".join(text.split())


def test_rows_are_compared_by_label_whatever_the_order_of_its_parameters(
    tmp_path: Path, call: Callable[..., Done]
) -> None:
    variants: tuple[dict[str, object], ...] = ({}, {"b": [1, 2], "a": 0.0}, {"a": 0.0})
    records = [make_record("itq", 16, 0.5, variant=variant) for variant in variants]
    write_records(tmp_path / "results", records, [DIFFICULTY + 0.1 * n for n in range(3)])
    words = ("--json", "--allow-stale")
    content = json.loads(call("compare", "results", "--methods", "itq [b=[1, 2], a=0.0],itq", *words).out)
    (one,) = content["cells"]
    assert (one["first"]["variant"], one["second"]["variant"]) == ({"a": 0.0, "b": [1, 2]}, {})
    assert call("compare", "results", "--methods", "itq,itq [a=0.0]", "--allow-stale").code == 0
