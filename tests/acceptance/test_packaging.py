"""What leaves this folder: the wheel, the scripts, and nothing that only this machine knows."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalhub import __version__
from signalhub.settings import Settings
from tests.acceptance.commands import environment
from tests.acceptance.places import empty_home

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.read_bytes().startswith(b"#!/bin/sh"))
PACKED = "signalhub/_resources"


def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=240, **options)  # type: ignore[call-overload, no-any-return] # options are passed through


# --- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def packed(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; the dependencies are seen where they are, our editable install is not."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    own = sysconfig.get_path("purelib", vars={"base": str(folder)})
    # A path in a .pth is not searched for further .pth files, which is how an editable install is found.
    (Path(own) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin/python"
    done = run(_python_with_pip(), "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _python_with_pip() -> str:
    candidates = (sys.executable, getattr(sys, "_base_executable", sys.executable))
    return next(python for python in candidates if run(python, "-m", "pip", "--version").returncode == 0)


def files_below(folder: str, *suffixes: str) -> set[str]:
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.name.endswith(suffixes))
    return {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_carries_every_module_and_every_resource(packed: set[str]) -> None:
    assert files_below("signalhub", ".py", "py.typed") <= packed
    resources = files_below("sql", ".sql", ".sha256") | files_below("migrations", ".py", ".mako")
    assert {name.split("/")[1] for name in resources} >= {"queries", "revisions", "derived", "versions"}
    assert {f"{PACKED}/{name}" for name in resources} <= packed


def test_the_wheel_carries_nothing_else(packed: set[str]) -> None:
    info = f"signalhub-{__version__}.dist-info/"
    assert {name.split("/")[0] + "/" for name in packed} == {"signalhub/", info}
    assert not [name for name in packed if "__pycache__" in name or name.endswith((".pyc", ".env"))]
    assert f"{info}licenses/LICENSE" in packed


@pytest.fixture
def elsewhere() -> Iterator[tuple[dict[str, str], Path]]:
    """The environment for an empty home, and a working directory that is not the checkout."""
    with empty_home() as home:
        env = environment(home)
        env.pop("PYTHONPATH", None)
        (home.parent / "somewhere").mkdir()
        yield env, home.parent / "somewhere"


def test_the_installed_wheel_works_from_its_own_resources(
    installed: Path, elsewhere: tuple[dict[str, str], Path]
) -> None:
    env, folder = elsewhere
    command = installed / "bin/signalhub"
    assert run(command, "--version", env=env, cwd=folder).stdout == f"signalhub, version {__version__}\n"
    script = "from signalhub import resources; print(resources.folder('sql')); print(resources.folder('migrations'))"
    shown = run(installed / "bin/python", "-c", script, env=env, cwd=folder).stdout.splitlines()
    site = Path(sysconfig.get_path("purelib", vars={"base": str(installed)}))
    assert shown == [str(site / PACKED / "sql"), str(site / PACKED / "migrations")]
    migrated = run(command, "migrate", env=env, cwd=folder)
    assert (migrated.returncode, migrated.stderr) == (0, "")
    assert migrated.stdout.startswith("Revision empty → ")
    status = json.loads(run(command, "status", "--json", env=env, cwd=folder).stdout)
    assert status["versions"]["signalhub"] == __version__
    assert status["bars"] == 0


# --- the scripts


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with our scripts whose .venv holds programs that only tell how they were called."""
    folder = tmp_path / "a check out"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    (folder / "pyproject.toml").write_text("one")
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("python", "signalhub", "ruff", "sqlfluff", "mypy", "lint-imports"):
        program = folder / ".venv/bin" / name
        program.write_text(f'#!/bin/sh\necho "{name} from $PWD:" "$@"\nexit ${{{name[:4]}_fails:-0}}\n')
        program.chmod(0o755)
    return folder


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / "scripts/environment.sh"], ids=lambda path: path.name)
def test_a_script_is_plain_sh(script: Path) -> None:
    assert run("sh", "-n", script).returncode == 0
    assert os.access(script, os.X_OK) or script.suffix == ".sh"


def test_ci_runs_the_tests() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert run("bash", "-n", ROOT / ".ci/run").returncode == 0
    assert "scripts/test" in (ROOT / ".ci/run").read_text()


def test_run_is_the_demo_from_any_folder_and_installs_once(checkout: Path, tmp_path: Path) -> None:
    words = ("sh", "a check out/scripts/run", "--no-serve", "--import", "my bars")
    first, second = (run(*words, cwd=tmp_path) for _ in range(2))
    demo = f"signalhub from {tmp_path}: demo --no-serve --import my bars"
    assert first.stdout.splitlines()[0] == "Installing Signalhub into .venv (once)"
    assert f"install --quiet --disable-pip-version-check --editable {checkout}" in first.stdout
    assert first.stdout.splitlines()[-1] == demo
    # The second time nothing is installed: one line says what it does, then the demo speaks.
    assert [line.split(":")[0] for line in second.stdout.splitlines()] == ["Signalhub", f"signalhub from {tmp_path}"]
    assert second.stdout.splitlines()[-1] == demo


def test_a_changed_project_or_a_moved_checkout_is_installed_again(checkout: Path, tmp_path: Path) -> None:
    run("sh", checkout / "scripts/run")
    (checkout / "pyproject.toml").write_text("two")
    assert "Installing" in run("sh", checkout / "scripts/run").stdout
    moved = checkout.rename(tmp_path / "moved")
    assert f"--editable {moved}" in run("sh", moved / "scripts/run").stdout


def test_an_installation_that_failed_is_tried_again(checkout: Path) -> None:
    failed = run("sh", checkout / "scripts/run", env={**os.environ, "pyth_fails": "1"})
    assert failed.returncode != 0
    assert "signalhub from" not in failed.stdout
    assert "Installing" in run("sh", checkout / "scripts/run").stdout


def test_test_runs_everything_or_only_what_is_named(checkout: Path, tmp_path: Path) -> None:
    every = run("sh", checkout / "scripts/test", cwd=tmp_path).stdout
    for name in ("ruff", "sqlfluff", "mypy", "lint-imports"):
        assert f"{name} from {checkout}:" in every
    assert every.splitlines()[-1] == f"python from {checkout}: -m pytest -n 2 --dist loadfile --no-loadscope-reorder"
    named = run("sh", checkout / "scripts/test", "tests/unit", cwd=tmp_path).stdout
    assert "ruff" not in named
    assert named.endswith("-m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/unit\n")
    assert run("sh", checkout / "scripts/test", env={**os.environ, "mypy_fails": "1"}).returncode == 1


def test_a_machine_without_a_new_enough_python_is_told_so(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    done = run("sh", checkout / "scripts/run", env={**os.environ, "PYTHON": "false"})
    assert done.returncode == 1
    assert done.stderr == "Signalhub needs Python 3.11 or newer; set PYTHON to one.\n"


# --- what is tracked

SECRETS = {
    "a path of this machine": r"(?<![\w.])(/work/|/Users/|/home/(?!signalhub|somebody)\w|/root/\w)",
    "a temporary path": r"(?<![\w.\"'(`])/tmp/\w",
    "a package index": r"(?i)\b(files\.pythonhosted\.org|pypi\.org/simple|index-url|extra-index|artifactory|devpi)\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a token": r"\b(ghp_\w{20,}|github_pat_\w{20,}|glpat-\w{10,}|sk-\w{30,}|AKIA[0-9A-Z]{16}|xox[bp]-\w{10,})",
    "a bot token": r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b",
}


def tracked() -> list[Path]:
    listed = run("git", "-C", ROOT, "ls-files", "-z")
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_holds_what_only_this_machine_knows() -> None:
    found = []
    for path in tracked():
        if path != Path(__file__).resolve():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {what}" for what, form in SECRETS.items() if re.search(form, text)]
    assert found == []


def test_no_tracked_file_is_generated_or_private() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [
        name for name in names if re.search(r"(^|/)(\.env|\.venv|__pycache__|dist|.*\.pyc|.*\.log)(/|$)", name)
    ] == []


def test_every_link_of_the_documents_leads_somewhere() -> None:
    broken = []
    for page in [path for path in tracked() if path.suffix == ".md"]:
        links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
        broken += [f"{page.relative_to(ROOT)}: {link}" for link in links if not (page.parent / link).exists()]
    assert broken == []


def test_readme_names_settings_that_there_are_and_leads_to_all_of_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    known = {f"SIGNALHUB_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    named = set(re.findall(r"`(SIGNALHUB_[A-Z_]+)`", readme))
    assert named
    assert named <= known
    # tests/unit/test_settings_example.py holds the example to every setting.
    assert "](.env.example)" in readme
