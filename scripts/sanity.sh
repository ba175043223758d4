#!/usr/bin/env bash
# ansible-test sanity on a copy of the collection, without the network's own hosts.
#
#   scripts/sanity.sh <virtual environment>      e.g. .venv or .venv312
#
# Its requirements come from the Python package index; the junit files land in
# build/sanity-<python version>/junit.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$PWD/$1
version=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
work=$PWD/build/sanity-$version
copy=$work/ansible_collections/cloudburst/plex

# ansible-test wants the collection at such a path and in a git checkout, and judges what
# git tracks there: the files of this working tree that the collection ships. The lab, the
# scripts and the tests are no part of it; ruff, black and mypy judge them.
rm -rf "$work"
mkdir -p "$copy"
git ls-files --cached --others --exclude-standard -z -- . \
  ':!lab' ':!scripts' ':!molecule' ':!tests/**/*.py' ':!tests/*.py' |
  while IFS= read -r -d '' file; do
    if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
  done |
  tar --create --null --files-from=- | tar --extract --directory "$copy"
git -C "$copy" init --quiet --initial-branch main
git -C "$copy" add --all
git -C "$copy" -c user.name=sanity -c user.email=sanity@localhost commit --quiet --message copy

# It would download get-pip from a host of its own; the interpreter brings a pip itself.
pip_version=$("$venv/bin/python" - <<'EOF'
from ansible_test._internal import python_requirements
from types import SimpleNamespace

python = SimpleNamespace(version="any")
print(python_requirements.get_venv_packages(python)["pip"].replace(".", "_"))
EOF
)
get_pip=$HOME/.ansible/test/cache/get_pip_$pip_version.py
if [[ ! -e $get_pip ]]; then
  mkdir -p "${get_pip%/*}"
  printf 'import ensurepip\n\nensurepip.bootstrap()\n' >"$get_pip"
fi

cd "$copy"
status=0
# The copy has no collections/ path of its own to find neighbours in; none are needed.
env -u ANSIBLE_COLLECTIONS_PATH -u ANSIBLE_CONFIG PATH="$venv/bin:$PATH" \
  ansible-test sanity --requirements --python "$version" --junit --color no || status=$?
mkdir -p "$work/junit"
find tests/output/junit -name '*.xml' -exec cp {} "$work/junit/" \; 2>/dev/null || true
exit "$status"
