"""What axe finds wrong with a page."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
_RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.impact} ${rule.id}: ${node.target.join(' ')} ${node.html.slice(0, 120)}`)
)"""


def faults_of(page: Page) -> list[str]:
    """One line for each element and rule that it breaks: impact, rule, where."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(_RUN)
    return found


def too_wide(page: Page) -> list[str]:
    """The elements that reach beyond the screen, where a page has to be moved sideways; empty where it has not."""
    found: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          return [...document.body.querySelectorAll('*')]
            .filter((one) => one.getBoundingClientRect().right > width + 1)
            .map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 60)}`);
        }"""
    )
    return found


def too_small(page: Page, least: int = 44) -> list[str]:
    """Buttons, fields and links of the menu that are lower than so many pixels."""
    found: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll('button, .button, nav a, summary, select, textarea,'
            + ' input:not([type=hidden]):not([type=checkbox]):not([type=radio])')]
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < least - .5)
          .map((one) => `${one.outerHTML.slice(0, 100)} ${one.getBoundingClientRect().height}`)""",
        least,
    )
    return found
