# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft deletes, their way back, and the emptying of the trash (§2.4)."""

from __future__ import annotations

from collections.abc import Iterable

from cloudburst_lab.plex_schema import Filler

# Parents without a live child, lowest first: seasons and albums, then shows and artists.
_PARENT_TYPES = ("(3, 9, 14)", "(2, 8, 14)")


def soft_delete(fill: Filler, section_id: int, part_ids: Iterable[int]) -> int:
    """Mark parts deleted, and upwards all that has nothing live left; leaves marked."""
    now = fill.now
    fill.main.executemany(
        "UPDATE media_parts SET deleted_at=? WHERE id=? AND +deleted_at IS NULL",
        [(now, part_id) for part_id in part_ids],
    )
    fill.main.execute(
        "UPDATE media_items SET deleted_at=? WHERE library_section_id=?"
        " AND +deleted_at IS NULL"
        " AND EXISTS(SELECT 1 FROM media_parts p WHERE p.media_item_id=media_items.id)"
        " AND NOT EXISTS(SELECT 1 FROM media_parts p"
        " WHERE p.media_item_id=media_items.id AND +p.deleted_at IS NULL)",
        (now, section_id),
    )
    leaves = fill.main.execute(
        "UPDATE metadata_items SET deleted_at=?, updated_at=? WHERE"
        " library_section_id=? AND +deleted_at IS NULL AND EXISTS(SELECT 1"
        " FROM media_items i WHERE i.metadata_item_id=metadata_items.id)"
        " AND NOT EXISTS(SELECT 1 FROM media_items i"
        " WHERE i.metadata_item_id=metadata_items.id AND +i.deleted_at IS NULL)",
        (now, now, section_id),
    ).rowcount
    for types in _PARENT_TYPES:
        fill.main.execute(
            "UPDATE metadata_items SET deleted_at=? WHERE library_section_id=?"
            f" AND metadata_type IN {types} AND +deleted_at IS NULL AND EXISTS(SELECT 1"
            " FROM metadata_items c WHERE c.parent_id=metadata_items.id)"
            " AND NOT EXISTS(SELECT 1 FROM metadata_items c"
            " WHERE c.parent_id=metadata_items.id AND +c.deleted_at IS NULL)",
            (now, section_id),
        )
    return int(leaves)


def restore(fill: Filler, part_ids: Iterable[int]) -> None:
    """The files are back: unmark the parts and everything above them."""
    for part_id in part_ids:
        fill.main.execute(
            "UPDATE media_parts SET deleted_at=NULL WHERE id=?", (part_id,)
        )
        row = fill.main.execute(
            "SELECT i.id, i.metadata_item_id FROM media_items i"
            " JOIN media_parts p ON p.media_item_id=i.id WHERE p.id=?",
            (part_id,),
        ).fetchone()
        fill.main.execute(
            "UPDATE media_items SET deleted_at=NULL WHERE id=?", (row[0],)
        )
        revive(fill, row[1])


def revive(fill: Filler, metadata_id: int) -> None:
    """Unmark an item and its parents."""
    fill.main.execute(
        "WITH RECURSIVE up(id) AS (SELECT ? UNION SELECT m.parent_id FROM"
        " metadata_items m JOIN up ON m.id=up.id WHERE m.parent_id IS NOT NULL)"
        " UPDATE metadata_items SET deleted_at=NULL"
        " WHERE id IN (SELECT id FROM up) AND deleted_at IS NOT NULL",
        (metadata_id,),
    )


def empty(fill: Filler, section_id: int) -> int:
    """Delete for good what is marked. Watch states stay: they are keyed by guid."""
    main, marked = fill.main, "deleted_at IS NOT NULL"
    items = f"SELECT id FROM media_items WHERE library_section_id=? AND {marked}"
    parts = (
        "SELECT p.id FROM media_parts p JOIN media_items i ON i.id=p.media_item_id"
        f" WHERE i.library_section_id=? AND (p.{marked} OR i.{marked})"
    )
    metadata = f"SELECT id FROM metadata_items WHERE library_section_id=? AND {marked}"
    gone = main.execute(f"SELECT count(*) FROM ({metadata})", (section_id,)).fetchone()
    for statement in (
        f"DELETE FROM media_streams WHERE media_part_id IN ({parts})",
        f"DELETE FROM media_parts WHERE id IN ({parts})",
        f"DELETE FROM taggings WHERE metadata_item_id IN ({metadata})",
        f"DELETE FROM media_items WHERE id IN ({items})",
        f"DELETE FROM metadata_items WHERE id IN ({metadata})",
        f"DELETE FROM directories WHERE library_section_id=? AND {marked}",
    ):
        main.execute(statement, (section_id,))
    return int(gone[0])
