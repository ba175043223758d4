#!/usr/bin/env bash
# Make this checkout ready: what make demo and make test call first.
#
#   scripts/bootstrap.sh demo|test   install what is missing (Debian 12 as root), else say it
#   scripts/bootstrap.sh venv        only the virtual environments, on any system
#
# Idempotent; well under a second when there is nothing to do.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
LOCK=requirements/dev.lock
PACKAGES=requirements/debian.txt
export PIP_DISABLE_PIP_VERSION_CHECK=1 PATH="$PATH:/usr/sbin:/sbin"

say() { printf 'bootstrap: %s\n' "$*"; }

# The first interpreter of a version that can make virtual environments, or nothing.
# Debian's own comes first; a shim on PATH may name a version that is not installed.
find_python() {
  local candidate
  for candidate in "/usr/bin/python$1" "$HOME"/.pyenv/versions/"$1"*/bin/python"$1" \
    "$(command -v "python$1" || true)"; do
    if [[ -x $candidate ]] && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
}

have() {
  case $1 in
    python3.11 | ensurepip) [[ -n $(find_python 3.11) ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Debian names of what is missing, of the given groups (a pattern).
missing_packages() {
  local command package group
  while read -r command package group; do
    [[ $command == \#* || ! $group =~ ^($1)$ ]] && continue
    have "$command" || printf '%s\n' "$package"
  done <"$PACKAGES" | sort -u
}

is_debian_12_root() {
  # shellcheck source=/dev/null
  (. /etc/os-release && [[ ${ID-} == debian && ${VERSION_ID-} == 12 ]]) && [[ $EUID == 0 ]]
}

explain_and_leave() {
  local packages
  packages=$(missing_packages 'all|test|lab' | tr '\n' ' ')
  {
    say "this is not Debian 12 as root: nothing was changed."
    if [[ -n $packages ]]; then
      say "install these first (Debian's package names): $packages"
    fi
    say "then, in this folder: make venv   (fills .venv from $LOCK; needs Python 3.11)"
    say "the lab needs root, Docker and /dev/fuse."
  } >&2
  exit 1
}

# What a virtual environment was made from; equal stamps mean nothing to do.
stamp() { cat "$LOCK" lab/pyproject.toml | sha256sum | cut -d' ' -f1; }

# fill_venv <directory> <python version>
fill_venv() {
  local python
  [[ $(cat "$1/.stamp" 2>/dev/null) == "$STAMP" ]] && return
  python=$(find_python "$2")
  say "filling $1 with $("$python" --version) (a minute)"
  [[ -x $1/bin/python && $("$1/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') == "$2" ]] ||
    "$python" -m venv --clear "$1"
  "$1/bin/python" -m pip install -qq --no-compile --require-hashes -r "$LOCK"
  # The lab comes from the checkout itself, so nothing of it is downloaded or pinned.
  "$1/bin/python" -m pip install -qq --no-deps --no-build-isolation -e lab
  printf '%s\n' "$STAMP" >"$1/.stamp"
  changed=true
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages "$1")
  ((${#packages[@]})) || return 0
  is_debian_12_root || explain_and_leave
  say "installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  changed=true
}

main() {
  local groups='all' changed=false
  STAMP=$(stamp)
  case ${1-} in
    demo) ;;
    test) groups='all|test' ;;
    venv) groups='' ;;
    *) say "usage: $0 demo|test|venv" >&2 && exit 2 ;;
  esac
  if [[ -n $groups ]]; then
    if ! is_debian_12_root && [[ ! -e .venv/.stamp || -n $(missing_packages 'all|test|lab') ]]; then
      explain_and_leave
    fi
    install_packages "$groups"
  fi
  [[ -n $(find_python 3.11) ]] || explain_and_leave
  fill_venv .venv 3.11
  if [[ $1 != demo ]]; then
    if [[ -n $(find_python 3.12) ]]; then
      fill_venv .venv312 3.12
    else
      say "no Python 3.12 here: the tests for ansible-core 2.21 will be skipped"
    fi
  fi
  if $changed; then say "done in $SECONDS s"; else say "nothing to do"; fi
}

main "$@"
