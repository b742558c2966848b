"""The lock notices every change of the engine's source that could be one of behaviour, and asks for the goldens."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.golden import lock, parts
from tests.golden.golden import Golden, all_goldens
from tests.golden.lock import Lock

LOSSES = "hashbench/nets/losses.py"


@pytest.fixture(scope="module")
def now() -> Lock:
    """The lock of the code as it is."""
    return lock.current()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the engine's source, to edit."""
    for folder in ("hashbench", "datasets"):
        shutil.copytree(parts.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "suites"))
    return tmp_path


def edit(checkout: Path, file: str, old: str, new: str) -> None:
    text = (checkout / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    (checkout / file).write_text(text.replace(old, new), encoding="utf-8")


def test_the_goldens_passed_on_this_source(now: Lock) -> None:
    told = lock.differences(lock.read(), now)
    assert not told, "\n".join(told)


def test_every_file_of_a_trials_code_is_in_a_part() -> None:
    assert parts.without_part() == [], "name their part in tests/golden/parts.py, or what makes them harmless"


def test_every_part_has_goldens() -> None:
    assert {part for golden in all_goldens().values() for part in golden.parts} == parts.VERSIONS.keys()


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (LOSSES, "nets"),
        ("hashbench/features/gist.py", "gist"),
        ("hashbench/features/preprocessing.py", "networks"),
        ("hashbench/util/seeds.py", "trial"),
        ("hashbench/execution/trial.py", "trial"),
        ("hashbench/features/cache.py", "trial"),
        ("hashbench/data/decode.py", "images"),
        ("datasets/digits.py", "images"),
        ("hashbench/util/pca.py", "pca"),
    ],
)
def test_parts_have_the_files_that_decide_them(file: str, part: str) -> None:
    assert parts.owned()[file] == part


def test_a_comment_or_a_docstring_changes_nothing(checkout: Path, now: Lock) -> None:
    edit(checkout, LOSSES, "def map_loss(", "# how far two maps are apart\n\n\ndef map_loss(")
    edit(checkout, LOSSES, '"""Mean log D, D the sigmoid', '"""The mean of log D, D being the sigmoid')
    assert lock.differences(now, replace(now, files=lock.current(checkout).files)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        (LOSSES, "square().sum(1).mean()", "abs().sum(1).mean()", "nets"),
        ("hashbench/features/gist.py", "CONTRAST_FLOOR = 0.2", "CONTRAST_FLOOR = 0.3", "gist"),
        ("hashbench/execution/trial.py", "split.train[: trial.limit]", "split.train[:10]", "trial"),
        ("datasets/digits.py", "255 / 16", "255 / 15", "images"),
    ],
)
def test_changed_code_is_named_with_its_part_and_the_way_out(
    file: str, old: str, new: str, part: str, checkout: Path, now: Lock
) -> None:
    edit(checkout, file, old, new)
    (line,) = lock.differences(now, replace(now, files=lock.current(checkout).files))
    assert line.startswith(f"{file} (part {part}) changed since the goldens last passed")
    assert line.endswith("run `python -m tests.golden --accept`")


def test_a_new_file_that_nets_import_needs_a_part(checkout: Path) -> None:
    edit(
        checkout,
        LOSSES,
        "from torch import Tensor\n",
        "from torch import Tensor\n\nfrom hashbench.util.powers import square\n",
    )
    (checkout / "hashbench/util/powers.py").write_text("def square(x): return x * x\n", encoding="utf-8")
    assert parts.without_part(checkout) == ["hashbench/util/powers.py"]


def test_a_new_file_of_a_part_and_one_that_is_gone_are_named(checkout: Path, now: Lock) -> None:
    (checkout / LOSSES).rename(checkout / "hashbench/nets/penalties.py")
    told = lock.differences(now, replace(now, files=lock.current(checkout).files))
    assert [line.partition(" since")[0] for line in told] == [
        f"{LOSSES} (part nets) is gone",
        "hashbench/nets/penalties.py (part nets) is new",
    ]


def golden(*of: str, methods: tuple[str, ...] = ()) -> Golden:
    return Golden("a/b", of, methods, dict)


def locks(
    versions: Mapping[str, int] | None = None, changed: tuple[str, ...] = (), renewed: bool = True
) -> tuple[Lock, Lock]:
    """A lock, and what became of it: new versions, parts with a changed file, a golden that was renewed."""
    old = Lock({"nets": 1, "pca": 1}, {part: {f"{part}.py": "1"} for part in ("nets", "pca")}, {"a/b": "1"})
    files = {part: {f"{part}.py": "2" if part in changed else "1"} for part in ("nets", "pca")}
    return old, Lock({**old.versions, **(versions or {})}, files, {"a/b": "2" if renewed else "1"})


def test_a_refactoring_is_accepted_without_a_new_version() -> None:
    old, new = locks(changed=("nets",), renewed=False)
    assert lock.refusals(old, new, {"a/b": golden("nets")}) == []


def test_renewed_results_need_a_new_version_of_every_part_that_changed() -> None:
    of_both = {"a/b": golden("nets", "pca", methods=("itq",))}
    (line,) = lock.refusals(*locks(changed=("nets",)), of_both)
    assert line == "results of a/b were renewed and nets changed: raise hashbench.nets.VERSION (it is 1)"
    assert lock.refusals(*locks({"nets": 2}, changed=("nets",)), of_both) == []
    (line,) = lock.refusals(*locks({"nets": 2}, changed=("nets", "pca")), of_both)
    assert "raise hashbench.util.pca.VERSION" in line


def test_results_may_change_with_a_methods_own_file_alone() -> None:
    """Its source is in the fingerprint of its trials, so no version is needed."""
    assert lock.refusals(*locks(), {"a/b": golden("nets", methods=("itq",))}) == []
    (line,) = lock.refusals(*locks(), {"a/b": golden("nets")})
    assert "no file of nets changed: a golden that asks another question needs another name" in line


def test_versions_only_go_up() -> None:
    old, new = locks({"nets": 0}, renewed=False)
    assert lock.refusals(old, new, {"a/b": golden("nets")}) == [
        "hashbench.nets.VERSION is 0, it was 1; versions only go up"
    ]


def test_a_version_or_stored_results_that_differ_from_the_lock_are_named() -> None:
    told = lock.differences(*locks({"nets": 2}))
    assert told == [
        "hashbench.nets.VERSION is 2, lock.json has 1; run `python -m tests.golden --accept`",
        "the stored results of a/b are not those of lock.json; run `python -m tests.golden --accept`",
    ]


@pytest.mark.parametrize(("passes", "code"), [(True, 0), (False, 1)])
def test_the_lock_is_written_only_where_the_goldens_pass(
    passes: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lock, "goldens_pass", lambda: passes)
    file = tmp_path / "lock.json"
    assert lock.accept(file) == code
    assert file.is_file() == passes
    if passes:
        assert lock.read(file) == lock.current()
    else:
        told = capsys.readouterr().err
        assert "raise the version of its part" in told
        assert "python -m tests.golden --renew" in told


def test_results_renewed_without_a_new_version_are_refused_by_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], now: Lock
) -> None:
    monkeypatch.setattr(lock, "goldens_pass", lambda: True)
    file = tmp_path / "lock.json"
    assert lock.accept(file) == 0
    before = file.read_bytes()
    changed = {**now.files, "nets": {**now.files["nets"], LOSSES: "another"}}
    renewed = replace(now, files=changed, goldens={**now.goldens, "pieces/losses": "another"})
    monkeypatch.setattr(lock, "current", lambda: renewed)
    assert lock.accept(file) == 1
    assert (
        "pieces/losses were renewed and nets changed: raise hashbench.nets.VERSION (it is 2)" in capsys.readouterr().err
    )
    assert file.read_bytes() == before
