"""The examination: faults where the default run would not work, notes elsewhere, and a way out of each."""

import importlib.metadata
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from hashbench.doctor import examine as examination
from hashbench.doctor import folders, machine, network
from hashbench.doctor.examine import examine, works
from hashbench.doctor.finding import Finding
from hashbench.errors import StorageError, UsageError
from hashbench.search.matmul import MatmulBackend
from hashbench.util.storage import check_writable
from tests.cli.conftest import Done, call  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


def about(found: list[Finding], name: str) -> Finding:
    (only,) = [each for each in found if each.about == name]
    return only


def test_a_machine_that_runs_the_tests_can_do_the_default_run_and_nothing_is_changed(tmp_path: Path) -> None:
    found = examine(Path("results"))
    assert works(found)
    assert about(found, "data set digits").words == "1,797 of 1,797 items on disk"
    assert about(found, "data set cifar10").state == "note"
    assert "hashbench data prepare cifar10" in about(found, "data set cifar10").words
    assert about(found, "data set cifar10").way_out == ""  # which its words have
    assert all(each.way_out or "; " in each.words for each in found if each.state != "fine")
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}  # compiled kernels


def test_a_missing_or_old_library_is_a_fault_and_the_rest_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": "2.5.1+cpu"}
    known = importlib.metadata.version

    def version(name: str) -> str:
        if name == "msgspec":
            raise importlib.metadata.PackageNotFoundError(name)
        return versions.get(name) or known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = examine(Path("results"))
    faults = {each.about: each for each in found if each.state == "fault"}
    assert faults["msgspec"].words.startswith("is not installed, wanted 0.19 or newer")
    assert faults["torch"].words == "is 2.5.1+cpu, wanted 2.6 or newer"
    assert faults["torch"].way_out == "pip install -U 'torch>=2.6'"
    assert faults.keys() == {"msgspec", "torch"}
    assert not [each for each in found if each.about == "kernels"]
    assert not works(found)


def test_a_plugin_root_that_is_not_there_is_no_broken_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_PLUGINS", "nowhere")
    found = about(examine(Path("results")), "data sets")
    assert (found.state, found.way_out) == ("fault", "")
    assert found.words.startswith("HASHBENCH_PLUGINS names 'nowhere', which is not there; make it, name the right")


def test_a_result_folder_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    (found, _) = folders.folders(Path("results"))
    assert (found.state, found.words) == ("fault", f"{tmp_path / 'results'} is not a folder")
    assert found.way_out == "name another with --results"


def test_a_cache_that_cannot_be_made_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "file/cache"))
    (_, cache) = folders.folders(Path("results"))
    assert cache.state == "fault"


def test_a_user_without_a_home_is_told_to_name_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HASHBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as it is in a container whose users are numbers
    (_, cache) = folders.folders(tmp_path)
    assert cache.state == "fault"
    assert "no home folder for the cache; name a folder with HASHBENCH_CACHE" in cache.words
    with pytest.raises(StorageError, match="Not a directory"):
        check_writable(Path(__file__))


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "results/records").mkdir(parents=True)
    (tmp_path / "results/records/a.npz").write_bytes(b"x" * 2_500_000)
    (found, _) = folders.folders(Path("results"))
    assert ": 2.5 MB, " in found.words


def test_a_data_folder_that_is_not_there_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_DATA", "nowhere")
    (found,) = folders.datasets(None)
    assert (found.state, found.about) == ("fault", "data")


def test_the_default_data_set_has_to_be_there_and_others_need_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(spec: str, *_: object) -> None:
        raise UsageError(f"{spec} is missing")

    monkeypatch.setattr(folders, "open_dataset", missing)
    states = {each.about: each.state for each in folders.datasets(None)}
    assert (states["data set digits"], states["data set cifar10"]) == ("fault", "note")


def test_kernels_that_do_not_work_are_a_note_since_torch_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "backend_for", lambda *_: MatmulBackend(torch.device("cpu")))
    found = machine.kernels()
    assert (found.state, found.way_out) == ("note", "pip install -U numba")


def test_a_part_that_breaks_is_a_fault_and_the_others_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("no metadata")

    monkeypatch.setattr(examination, "extras", broken)
    found = examine(Path("results"))
    assert about(found, "extras").state == "fault"
    assert "no metadata" in about(found, "extras").words
    assert about(found, "data set digits").state == "fine"


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_the_network_is_there_or_not() -> None:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.handle_request, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/weights"
    assert network.network_access(url) == Finding("network", "fine", f"{url}: status 200")
    server.server_close()
    closed = network.network_access(url, timeout=1)
    assert closed.state == "note"
    assert "--offline" in closed.way_out


def test_the_verb_prints_lines_or_json_and_its_code_says_whether_the_default_run_works(
    call: Callable[..., Done],  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    done = call("doctor")
    assert done.code == 0
    assert done.out.endswith("\nThe default run works here.\n")
    assert "\nnote   data set cifar10: " in done.out
    (tmp_path / "file").write_text("")
    done = call("doctor", "--results", "file", "--json")
    report = json.loads(done.out)
    assert (done.code, report["works"]) == (1, False)
    assert {"about", "state", "words", "way_out"} == report["findings"][0].keys()
    assert call("doctor", "--results", "file").out.endswith("\nThe default run would not work here.\n")
