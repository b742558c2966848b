"""The documentation as a site: it builds strictly and without a network, and what it is made of is here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hashbench.evaluation.metrics import declared
from hashbench.plugins.registry import METHODS
from tests.chromium import chromium
from tests.command import hashbench
from tests.docs.pages import DOCS, PAGES, README, ROOT

BUILD = """
import socket, sys
def refuse(*_, **__):
    raise OSError("the documentation asked for the network")
socket.socket.connect = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(["build", "--strict", "--site-dir", sys.argv[1]])
"""
LARGEST_PICTURE = 150_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly and without a network."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("docs") / "site"
    words = [sys.executable, "-c", BUILD, str(folder)]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.slow
def test_it_builds_strictly_and_asks_for_nothing_from_the_network(site: Path) -> None:
    for page in DOCS.glob("*.md"):
        assert (site / f"{page.stem}.html").exists()
    for name in METHODS.names():
        text = re.sub("<[^>]+>", "", (site / f"methods/{name}.html").read_text())
        assert f"hashbench run --methods {name}" in text
    html = [(file, file.read_text()) for file in site.rglob("*.html")]
    loaded = (
        r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//|<link[^>]+rel="(?:stylesheet|preconnect)"[^>]+"(?:https?:)?//'
    )
    assert not [file for file, text in html if re.search(loaded, text)]
    assert "hooks" not in {file.name for file in site.iterdir()}
    metrics = (site / "measured.html").read_text()
    assert all(f"<code>{metric.id}</code>" in metrics for metric in declared())


@pytest.mark.slow
@pytest.mark.parametrize("start", ["index.html", "methods/itq.html"])
def test_a_page_opened_from_disk_finds_by_search_what_another_page_says(site: Path, start: str) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / start).as_uri())
        page.locator("input.md-search__input").click()
        page.locator("input.md-search__input").press_sequentially("leave one out")
        page.locator(f".md-search-result__link[href^='{(site / 'measured.html').as_uri()}']").first.wait_for()
        assert all(url.startswith("file://") for url in asked)


@pytest.mark.slow
def test_pages_with_wide_tables_are_no_wider_than_a_phone(site: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        wide = []
        for name in ("published", "neighbours", "bgan", "methods", "measured", "reference", "methods/bgan"):
            page.goto((site / f"{name}.html").as_uri())
            wide += [name] * bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
        assert wide == []


def test_a_methods_page_has_its_paper_parameters_and_published_figures() -> None:
    pytest.importorskip("mkdocs")
    from docs.hooks.method_pages import page

    itq = page("itq")
    assert "Gong and Lazebnik, Iterative quantization" in itq
    assert "* **`iterations`** int, default `50`" in itq
    assert "| 12 | 0.162 |" in itq
    assert "min over B, R of \\|\\|B - V R\\|\\|^2" in itq
    assert "--bits full" in page("sign")
    assert "* **`k1`** int or None, default `None`: neighbours of an image" in page("bgan")


def test_links_of_readme_lead_to_files() -> None:
    """Those of the pages are checked by the strict build."""
    links = re.findall(r"\]\(([^)#:]+)(#[^)]*)?\)", README.read_text())
    assert links
    assert not [link for link, _ in links if not (ROOT / link).exists()]


def test_committed_pictures_are_small_and_shown() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for picture in (file for kind in ("png", "svg") for file in DOCS.rglob(f"*.{kind}")):
        assert picture.stat().st_size < LARGEST_PICTURE, picture
        assert picture.name in text


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(DOCS.glob("figures/*/*.svg")), ids=lambda file: file.parent.name)
def test_figures_are_what_the_records_make(file: Path, tmp_path: Path) -> None:
    folder = ROOT / "results/published" / file.parent.name
    words = ("plot", "map-by-bits", "--results", str(folder), "--format", "svg", "--out", str(tmp_path / "figures"))
    done = hashbench(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    drawn, shown = (tmp_path / "figures" / file.name).read_text(), file.read_text()
    versions = [re.findall(r"Matplotlib v[\d.]+", text) for text in (drawn, shown)]
    if versions[0] != versions[1]:
        pytest.skip("drawn by another version of matplotlib")
    assert drawn == shown
