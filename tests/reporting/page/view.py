"""A leaderboard's page open in a browser."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text()
LATE = Path(__file__).parent / "late.js"


@dataclass
class View:
    """A page open in the browser, with what went wrong in it and what it asked for."""

    page: Any
    errors: list[str] = field(default_factory=list)
    grids: list[str] = field(default_factory=list)

    def column(self, number: int, body: str = "ranked") -> list[str]:
        """The visible texts of a column, 1 is the first."""
        cells = self.page.locator(f"tbody.{body} tr[data-row] > :nth-child({number}):visible")
        return [text.strip() for text in cells.all_inner_texts() if text.strip()]

    def numbers(self, number: int) -> list[float]:
        """The means in a column of the first table's ranked rows."""
        table = self.page.locator("table.board").first
        texts = table.locator(f"tbody.ranked tr[data-row] > :nth-child({number}) .number").all_inner_texts()
        return [float(text.split()[0].replace(",", "")) for text in texts]

    def evaluate(self, query: str) -> Any:
        return self.page.evaluate(query)

    def accessibility(self, name: str) -> Any:
        """What a function of accessibility.js finds."""
        return self.page.evaluate(f"{ACCESSIBILITY}.{name}()")


def opened(browser: Any, address: str, options: dict[str, Any]) -> View:
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}).new_page()
    page.add_init_script(path=LATE)
    view = View(page)
    page.on(
        "console", lambda message: view.errors.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: view.errors.append(str(error)))
    page.on("request", lambda request: view.grids.append(request.url))
    page.set_default_timeout(120_000)  # a busy machine is no fault
    page.goto(address)
    return view


def drawn(view: View) -> None:
    """Scroll through the page, so that every figure has been drawn."""
    for host in view.page.locator(".figures").all():
        host.scroll_into_view_if_needed()
    view.page.wait_for_function(
        "() => [...document.querySelectorAll('.figures')].every((node) => node.querySelector('.chart'))"
    )
