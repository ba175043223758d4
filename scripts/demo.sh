#!/usr/bin/env bash
# The whole burst against the lab: a cloud, a bucket, plex.tv and a home server on this
# machine. The play prints the report; this only frames it. The lab stays up for more
# (make lab-down ends it). Called by make demo, which made everything ready.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH:/usr/sbin:/sbin" PYTHONUNBUFFERED=1
state_dir=${CLOUDBURST_LAB_DIR:-$PWD/.lab}

frame() { printf '\n=== %s\n' "$*"; }

frame "1/2 the lab (the first time it builds its images and its media)"
lab up
lab_seconds=$SECONDS
# shellcheck source=/dev/null
. "$state_dir/lab.env"

frame "2/2 ansible-playbook delta_sync.yml -e profile=power"
status=0
ansible-playbook delta_sync.yml -e profile=power "$@" || status=$?

burst_seconds=$((SECONDS - lab_seconds))
if ((status == 0)); then
  frame "before and after"
  PYTHONPATH=collections python -m scripts.demo_summary results || status=$?
fi

verdict="complete"
if ((status)); then verdict="FAILED (exit $status)"; fi
frame "times"
printf 'demo %s: lab %d s, burst %d s, together %d min %d s\n' "$verdict" \
  "$lab_seconds" "$burst_seconds" $((SECONDS / 60)) $((SECONDS % 60))
exit "$status"
