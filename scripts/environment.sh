# Sourced by scripts/run and scripts/test: makes or reuses .venv beside this folder.
# Needs Python >= 3.11 with pip (PYTHON chooses one). Works from any working directory, as root or not.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=$root/.venv

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "Signalhub needs Python 3.11 or newer; set PYTHON to one." >&2
    return 1
}

# make_venv: with pip inside where the machine has ensurepip, else filled by the machine's own pip.
make_venv() {
    python=$(find_python) || exit 1
    echo "Making .venv with $("$python" --version)"
    if ! "$python" -m venv --clear "$venv" >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip "$venv" || exit 1
    fi
}

install_into_venv() {
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$1"
    else
        python=$(find_python) || exit 1
        "$python" -m pip --python "$venv/bin/python" install --quiet --disable-pip-version-check --editable "$1"
    fi
}

# ensure_environment EXTRA: installs the project with that extra when pyproject.toml changed or the folder was moved.
ensure_environment() {
    [ -x "$venv/bin/python" ] || make_venv
    wanted="$(cksum <"$root/pyproject.toml") $root"
    stamp=$venv/.signalhub${1:+-$1}
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing Signalhub${1:+ with its $1 tools} into .venv (once)"
        install_into_venv "$root${1:+[$1]}" || exit 1
        echo "$wanted" >"$stamp"
    fi
}
