"""The site: API and page in one application."""

from __future__ import annotations

from litestar import Litestar

from signalhub.api.app import create_app
from signalhub.api.cache import Cache
from signalhub.db.engine import Database
from signalhub.settings import Settings
from signalhub.web import assets, pages

HANDLERS = (pages.signals, pages.signal, pages.login, pages.logout, assets.asset)
_MOST_PAGES = 200


def create_site(database: Database, settings: Settings) -> Litestar:
    """API and page over a database. Rows of the table are rendered once for all who may see the same."""
    site = create_app(database, settings, HANDLERS)
    site.state.kept_rows = Cache(site.state.edge.listening, _MOST_PAGES)
    return site
