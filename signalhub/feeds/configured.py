"""Which feed the operator wants."""

from __future__ import annotations

from signalhub import plugins
from signalhub.errors import SettingsInvalid
from signalhub.feeds.base import Feed
from signalhub.settings import Settings

_ANY_VENUE = "ccxt_rest"


def configured(settings: Settings) -> Feed:
    """The feed of SIGNALHUB_FEED, at the venue of SIGNALHUB_VENUE. Asks nobody.

    Raises: SettingsInvalid, naming those there are.
    """
    found = plugins.declared("signalhub.feeds", "FEED", Feed)
    if settings.feed not in found:
        known = ", ".join(sorted(found))
        raise SettingsInvalid(f"SIGNALHUB_FEED is {settings.feed!r}, which is no feed. There are: {known}.")
    return found[settings.feed].configured(settings)


def at_venue(settings: Settings, venue: str) -> Feed:
    """The feed of a venue: one of ours that has it, else ccxt."""
    found = plugins.declared("signalhub.feeds", "FEED", Feed)
    ours = {feed.venue: name for name, feed in found.items() if name != _ANY_VENUE}
    # The other host speaks the API of the venue that is set, not of any.
    url = settings.venue_url if venue == settings.venue else None
    return configured(settings.replace(feed=ours.get(venue, _ANY_VENUE), venue=venue, venue_url=url))
