# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What the guard does about what it sees: watching, fenced, repairing, proving. Pure.

One failed byte probe fences Plex, since Plex takes what it cannot read for
deleted (L04, L05). Mounting again is another matter: it helps against a dead or
wedged rclone and not against a dead store, and it costs the directory cache
(L06, ``scaleway-rclone B4``). Plex goes on only after bytes were proven.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, fields, replace

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    Verdict,
)

State = t.Literal["watching", "fenced", "repairing", "proving"]

GOOD = frozenset(("healthy", "slow"))
# Their process is gone: nothing is lost by mounting again at once.
DEAD = frozenset(("stale", "absent"))


@dataclass(frozen=True)
class Patience:
    """From the monitoring profile; seconds, where it is not a count."""

    tick: float = 1.0
    statvfs_deadline: float = 4.0
    byte_interval: float = 2.0
    byte_deadline: float = 5.0
    # For a read that hangs while the store answers.
    wedge_deadline: float = 9.0
    slow_ms: int = 3000
    # While Plex is fenced time costs less: a slow store must get its chance.
    fenced_factor: float = 3.0
    fenced_interval: float = 0.5
    may_remount: bool = False
    failures_before_remount: int = 3
    # A store that is back ends the reads that hung; they get this long for it.
    wedge_settle: float = 3.0
    # Readers that hang on a dead store are freed after this.
    free_after: float = 30.0
    prove_looks: int = 2
    repair_deadline: float = 60.0
    backoff_first: float = 4.0
    backoff_most: float = 60.0

    @classmethod
    def of(cls, given: t.Mapping[str, t.Any]) -> Patience:
        """From a dictionary; templates give numbers as text."""
        usual = cls()
        kinds = {field.name: type(getattr(usual, field.name)) for field in fields(cls)}
        return cls(**{k: kinds[k](v) for k, v in given.items() if k in kinds})


@dataclass(frozen=True)
class Look:
    """One judged observation."""

    time: float
    verdict: Verdict
    message: str = ""
    latency_ms: int | None = None
    # Failed probes and proven rounds so far: the same failure counts once.
    failures: int = 0
    proofs: int = 0
    mount_id: str = ""
    # A read hangs in the kernel and cannot be killed.
    hanging: bool = False

    @property
    def good(self) -> bool:
        """True when bytes came."""
        return self.verdict in GOOD


class Action(enum.Enum):
    """What the service has to do."""

    FENCE = "fence"
    REPAIR = "repair"
    RELEASE = "release"


@dataclass(frozen=True)
class Guard:
    """Where the guard is."""

    state: State = "watching"
    since: float = 0.0
    verdict: str = ""
    verdict_since: float = 0.0
    message: str = ""
    # In a row: failed probes with this verdict, proven rounds.
    bad: int = 0
    good: int = 0
    failures: int = 0
    proofs: int = 0
    mount_id: str = ""
    hanging_since: float | None = None
    repairs: int = 0
    repaired_at: float | None = None

    @property
    def fenced(self) -> bool:
        """True unless Plex runs."""
        return self.state != "watching"


Step = tuple[Guard, tuple[Action, ...]]


def step(guard: Guard, look: Look, patience: Patience) -> Step:
    """The next state after one look, and what is to be done."""
    if look.good:
        return _good(guard, look, patience)
    return _bad(guard, look, patience)


def _good(guard: Guard, look: Look, patience: Patience) -> Step:
    if look.proofs <= guard.proofs:
        return guard, ()
    seen = replace(
        guard, proofs=look.proofs, failures=look.failures, hanging_since=None, bad=0
    )
    if guard.state == "repairing":
        # Bytes of the mount that is being replaced prove nothing.
        return seen, ()
    if guard.state == "watching":
        if guard.mount_id and look.mount_id and look.mount_id != guard.mount_id:
            return _fenced(
                replace(seen, mount_id=look.mount_id),
                look.time,
                "stale",
                "the bucket was mounted anew behind the guard's back",
            )
        same = guard.verdict == look.verdict
        began = guard.since if same else look.time
        named = replace(seen, verdict=look.verdict, message=look.message, since=began)
        return replace(named, mount_id=look.mount_id or guard.mount_id), ()
    return _proving(seen, look, patience)


def _proving(guard: Guard, look: Look, patience: Patience) -> Step:
    good = guard.good + 1 if guard.state == "proving" else 1
    proven = replace(
        guard, good=good, verdict=look.verdict, message=look.message, state="proving"
    )
    if guard.state != "proving":
        proven = replace(proven, since=look.time)
    if good < patience.prove_looks:
        return proven, ()
    free = replace(
        proven,
        state="watching",
        since=look.time,
        good=0,
        repairs=0,
        repaired_at=None,
        mount_id=look.mount_id,
    )
    return free, (Action.RELEASE,)


def _fenced(guard: Guard, now: float, verdict: str, message: str) -> Step:
    stopped = replace(guard, state="fenced", since=now, good=0)
    return replace(stopped, verdict=verdict, message=message), (Action.FENCE,)


def _bad(guard: Guard, look: Look, patience: Patience) -> Step:
    if look.failures <= guard.failures:
        return guard, ()
    began = guard.hanging_since if guard.hanging_since is not None else look.time
    again = guard.bad > 0 and guard.verdict == look.verdict
    seen = replace(
        guard,
        failures=look.failures,
        proofs=look.proofs,
        bad=guard.bad + 1 if again else 1,
        good=0,
        hanging_since=began if look.hanging else None,
        verdict_since=guard.verdict_since if again else look.time,
    )
    if guard.state == "repairing":
        return replace(seen, bad=0), ()
    if guard.state == "watching":
        seen, actions = _fenced(seen, look.time, look.verdict, look.message)
    else:
        since = seen.since if guard.state == "fenced" else look.time
        seen = replace(seen, state="fenced", since=since)
        seen = replace(seen, verdict=look.verdict, message=look.message)
        actions = ()
    if not _repair_helps(seen, look, patience):
        return seen, actions
    mending = replace(
        seen,
        state="repairing",
        since=look.time,
        repairs=seen.repairs + 1,
        repaired_at=look.time,
    )
    return mending, (*actions, Action.REPAIR)


def _repair_helps(guard: Guard, look: Look, patience: Patience) -> bool:
    if not patience.may_remount or not _rested(guard, look.time, patience):
        return False
    if look.verdict in DEAD:
        return True
    if look.verdict == "wedged":
        often = guard.bad >= patience.failures_before_remount
        return often and look.time - guard.verdict_since >= patience.wedge_settle
    # A store that is down is not cured by mounting; but its readers hang for
    # minutes and longer, and only the end of rclone frees them (B2).
    hanging = guard.hanging_since
    return hanging is not None and look.time - hanging >= patience.free_after


def _rested(guard: Guard, now: float, patience: Patience) -> bool:
    if guard.repaired_at is None:
        return True
    pause = patience.backoff_first * (1 << max(0, min(guard.repairs, 16) - 1))
    return now - guard.repaired_at >= min(pause, patience.backoff_most)


def repaired(guard: Guard, now: float, ended_well: bool, message: str) -> Guard:
    """After the mount was made again, or could not be."""
    if guard.state != "repairing":
        return guard
    after: State = "proving" if ended_well else "fenced"
    done = replace(guard, state=after, since=now, good=0, bad=0, hanging_since=None)
    return replace(done, repaired_at=now, message=message)


def adopted(now: float, message: str) -> Guard:
    """A guard that finds Plex fenced by one that died: it stays so until proven."""
    return Guard(state="fenced", since=now, verdict="unknown", message=message)
