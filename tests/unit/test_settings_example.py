""".env.example holds every setting, as the program knows it, and nothing that it would refuse."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

from signalhub.settings import PREFIX, Settings, load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"
SCRIPT = ROOT / "scripts" / "write-settings-example"
KEY = re.compile(rf"^# ({PREFIX}[A-Z0-9_]+)=(.*)$", re.MULTILINE)


def told() -> tuple[str, str]:
    """What is said of the program's settings, and of compose's."""
    settings, mark, compose = EXAMPLE.read_text(encoding="utf-8").partition("# --- docker compose only")
    assert mark
    return settings, compose


def test_it_is_what_the_script_writes() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, ".env.example is current.\n", "")


def test_every_setting_is_in_it_once_with_an_explanation() -> None:
    settings, _ = told()
    keys = [key for key, _ in KEY.findall(settings)]
    assert keys == [f"{PREFIX}{field.name.upper()}" for field in dataclasses.fields(Settings)]
    for key in keys:
        explained = re.search(rf"^# (.+)\n(?:# .+\n)*# {key}=", settings, re.MULTILINE)
        assert explained is not None, key
        assert len(explained[1].split()) > 2, key


def test_copied_as_it_is_or_with_every_default_taken_it_changes_nothing(tmp_path: Path) -> None:
    copied = tmp_path / ".env"
    copied.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert load({}, copied) == Settings()
    settings, _ = told()
    copied.write_text("\n".join(f"{key}={value}" for key, value in KEY.findall(settings)), encoding="utf-8")
    assert load({}, copied) == Settings()


def test_what_is_compose_s_alone_is_no_key_of_ours_but_for_the_mail_catcher(tmp_path: Path) -> None:
    _, compose = told()
    taken = tmp_path / ".env"
    uncommented = re.sub(r"^# (?=[A-Z0-9_]+=)", "", compose, flags=re.MULTILINE)
    taken.write_text(uncommented.partition("\n")[2], encoding="utf-8")
    assert load({}, taken) == Settings(smtp_host="mailpit", smtp_port=1025, smtp_tls="none")
