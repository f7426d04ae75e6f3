"""A barcode scanner, as a keyboard wedge: it types 10 ms a key and ends with Enter."""

from playwright.sync_api import Page

KEY_MS = 10


def scan(page: Page, code: str) -> None:
    """Scan a barcode; the keys go wherever the focus is."""
    page.keyboard.type(code, delay=KEY_MS)
    page.keyboard.press("Enter")
