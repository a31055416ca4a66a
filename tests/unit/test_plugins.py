"""Plug-ins are found by folder, and one that breaks its contract is named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signalhub.channels.base import Channel
from signalhub.errors import PluginInvalid
from signalhub.plugins import declared, declared_classes

Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Writes a package of modules and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)
    name = "plugins_of_this_test"

    def write(**modules: str) -> str:
        (tmp_path / name).mkdir()
        for module, text in {"__init__": "", **modules}.items():
            (tmp_path / name / f"{module}.py").write_text(text)
        return name

    yield write
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def test_every_module_that_declares_one_is_found_by_its_name(make: Make) -> None:
    package = make(base="CONTRACT = int", zebra="THING = 2", ant="THING = 1", helper="OTHER = 3")
    assert list(declared(package, "THING", int).items()) == [("ant", 1), ("zebra", 2)]


def test_a_folder_without_plugins_has_none(make: Make) -> None:
    assert declared(make(base=""), "THING", int) == {}


def test_a_plugin_that_keeps_another_contract_is_named(make: Make) -> None:
    package = make(wrong="THING = 'text'")
    with pytest.raises(PluginInvalid, match=rf"{package}\.wrong\.THING is a str, not a int: see base\.py"):
        declared(package, "THING", int)


def test_classes_are_declared_as_classes(make: Make) -> None:
    package = make(right="class THING(int):\n    pass")
    assert [(name, issubclass(found, int)) for name, found in declared_classes(package, "THING", int).items()] == [
        ("right", True)
    ]


@pytest.mark.parametrize("text", ["THING = 3", "THING = str"])
def test_what_is_no_class_of_the_contract_is_named(make: Make, text: str) -> None:
    with pytest.raises(PluginInvalid, match=r"wrong\.THING is no subclass of int: see base\.py"):
        declared_classes(make(wrong=text), "THING", int)


def test_a_class_that_leaves_something_out_says_what(make: Make) -> None:
    text = "from signalhub.channels.base import Channel\nclass THING(Channel):\n    async def check(self): return ''"
    with pytest.raises(PluginInvalid, match=r"half\.THING lacks is_configured, send: see base\.py"):
        declared_classes(make(half=text), "THING", Channel)


def test_our_own_folders_hold_what_they_should() -> None:
    from signalhub.feeds.base import Feed
    from signalhub.strategies.base import Strategy

    assert {"momentum", "breakout"} <= set(declared("signalhub.strategies", "STRATEGY", Strategy))
    assert all(isinstance(feed, Feed) for feed in declared("signalhub.feeds", "FEED", Feed).values())
