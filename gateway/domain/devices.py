"""What a browser calls itself, in two words a person understands: the browser and the system it runs on.

The header User-Agent (RFC 9110, 10.1.5) names many browsers for the sake of old pages; the first of these that stands
in it is the one. It is told for a person to know his own devices again, and decides nothing.
"""

from dataclasses import dataclass

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where somebody is signed in; empty: not known."""

    browser: str
    system: str


def device_of(agent: str) -> Device:
    """The browser and the system that a User-Agent names."""
    return Device(
        browser=next((name for sign, name in _BROWSERS if sign in agent), ""),
        system=next((name for sign, name in _SYSTEMS if sign in agent), ""),
    )
