"""The page in a real browser: live without a reload, tabs, the chart, dark mode, any width."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from signalhub.db.engine import Database
from tests.web.conftest import OPEN, Record, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PATIENCE_MS = 30_000
FAINT = (Path(__file__).parent / "faint.js").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: the page is NOT tested in a browser (apt install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        # In containers there are no user namespaces for the sandbox; only our own page is loaded.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must load nothing from elsewhere and complain about nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    asked: set[str] = set()
    opened.on("request", lambda request: asked.add(request.url.split("/")[2]))
    yield opened
    assert complaints == []
    assert len(asked) == 1
    context.close()


def test_signals_come_and_end_without_a_reload_and_lead_to_their_chart(
    page: Page, record: Record, address: str
) -> None:
    page.goto(address)
    expect(page.locator("[data-live-state=live]")).to_have_text("Live")
    expect(page.get_by_text("No signals yet")).to_be_visible()
    page.evaluate("window.isTheSame = true")

    first = record.add()
    row = page.locator(f"[data-id='{first}']")
    expect(row).to_contain_text("BTC/USDT")
    expect(row.locator(".status")).to_have_text("Open")
    second = record.add(hours=1)
    expect(page.locator("tbody tr").first).to_have_attribute("data-id", str(second))
    expect(page.locator("[data-news]")).to_have_text("New signal: LONG BTC/USDT")

    # What has the focus keeps it, though a row came above it.
    row.get_by_role("link").focus()
    third = record.add("breakout", hours=2)
    expect(page.locator("tbody tr").first).to_have_attribute("data-id", str(third))
    expect(row.get_by_role("link")).to_be_focused()

    record.close(first)
    expect(row.locator(".status")).to_have_text("Target hit")
    expect(row).to_contain_text("+2.00")
    assert page.evaluate("window.isTheSame") is True

    page.get_by_role("link", name="Target hit").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    row.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("BTC/USDT")
    chart = page.get_by_role("img", name="BTC/USDT, 1h: long signal")
    expect(chart).to_be_visible()
    assert chart.locator(".candle").count() == 2


def test_a_signal_that_ends_is_told_on_its_own_page(page: Page, record: Record, address: str) -> None:
    signal_id = record.add()
    page.goto(f"{address}/signals/{signal_id}")
    expect(page.locator("[data-live-state=live]")).to_have_text("Live")
    expect(page.locator(".headline .status")).to_have_text("Open")
    record.close(signal_id, "stop_hit")
    expect(page.locator(".headline .status")).to_have_text("Stop hit")
    expect(page.get_by_text("the stop was reached")).to_be_visible()


def test_a_lost_connection_is_shown_and_what_was_missed_comes_after_it(
    browser: Browser, record: Record, database: Database
) -> None:
    page = browser.new_page()
    with served(database, OPEN) as url:
        page.goto(url)
        expect(page.locator("[data-live-state=live]")).to_have_text("Live")
    expect(page.locator("[data-live-state=offline]")).to_have_text("Offline")
    signal_id = record.add()
    with served(database, OPEN, port=int(url.rpartition(":")[2])):
        expect(page.locator("[data-live-state=live]")).to_have_text("Live")
        expect(page.locator(f"[data-id='{signal_id}']")).to_be_visible()
        page.close()


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_fits_and_can_be_read_on_any_screen(
    page: Page, record: Record, address: str, width: int, scheme: str
) -> None:
    signal_id = record.add()
    record.close(signal_id)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", f"/signals/{signal_id}", "/?tab=expired", "/login"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(FAINT) == [], path
        is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
        assert is_dark == (scheme == "dark")
    page.goto(f"{address}/signals/{signal_id}")
    assert page.locator("svg.chart:visible").count() == 1
