"""HTML: templates to answers. What a template is given is escaped; what a page may load is its own origin's alone."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

from signalhub import __version__
from signalhub.channels import words as numbers
from signalhub.web import assets, words

_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self' data:"
)
HEADERS = {"content-security-policy": _POLICY, "referrer-policy": "same-origin", "vary": "cookie"}

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {"asset": assets.address, "words": words, "numbers": numbers, "version": __version__}


def fragment(template: str, **values: Any) -> str:
    """A part of a page."""
    return _TEMPLATES.get_template(template).render(values)


def answer(template: str, status: int = HTTPStatus.OK, **values: Any) -> Response[str]:
    """A page."""
    return Response(fragment(template, **values), status_code=status, media_type=MediaType.HTML, headers=HEADERS)
