# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables and plain indexes of a Plex library database (about PMS 1.42).

Written from plex-facts §1.8 in its own short notation; the CREATE statements are
generated from it.  One paragraph per table::

    table
      column:type!=default~COLLATION …    `id` alone is the AUTOINCREMENT key
      = a+b                               UNIQUE inside the table
      @ a !b a+b c~collation              indexes, `!` is unique
      ^ column->table(column)             foreign key, always ON DELETE CASCADE
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SPEC = """
accounts
  id name:vc created_at:dt8 updated_at:dt8 default_audio_language:vc
  default_subtitle_language:vc auto_select_subtitle:bool="t" auto_select_audio:bool="t"

activities
  id:pk parent_id:int type:vc title:vc subtitle:vc scheduled_at:timestamp started_at:timestamp
  finished_at:timestamp cancelled:bool
  @ parent_id started_at
  ^ parent_id->activities(id)

blobs
  id blob:BLOB linked_type:vc linked_id:int linked_guid:vc created_at:dt8 blob_type:int
  @ linked_type !linked_type+linked_guid+blob_type !linked_type+linked_id+blob_type

custom_channels
  id name:vc description:vc playlist_id:int start_time:dt8 ordering:int visibility:int
  displayed_on:int content_rating:vc

devices
  id identifier:vc name:vc created_at:dt8 updated_at:dt8 platform:string
  @ identifier

directories
  id library_section_id:int parent_directory_id:int path:vc created_at:dt8 updated_at:dt8
  deleted_at:dt8
  @ deleted_at parent_directory_id path

download_queue_items
  id queue_id:int key:vc order:int status:int decision_params:vc error:vc decision_result:vc
  metadata_item_id:int media_part_id:int expiration:dt8 extra_data:vc
  @ queue_id status

download_queues
  id owner:int client_identifier:vc extra_data:vc
  @ owner

external_metadata_items
  id:int external_metadata_source_id:int library_section_id:int metadata_type:int guid:vc
  title:vc parent_title:vc year:int added_at:int updated_at:int extra_data:vc
  @ external_metadata_source_id metadata_type parent_title title
  ^ external_metadata_source_id->external_metadata_sources(id)

external_metadata_sources
  id uri:vc source_title:vc user_title:vc online:int
  @ online !uri

hub_templates
  id section:vc identifier:vc title:vc home_visibility:int recommended_visibility:int
  order:float extra_data:vc
  @ section+home_visibility

library_section_permissions
  id library_section_id:int account_id:int permission:int
  @ account_id library_section_id

library_sections
  id library_id:int name:vc name_sort:vc~NOCASE section_type:int language:vc agent:vc scanner:vc
  user_thumb_url:vc user_art_url:vc user_theme_music_url:vc public:bool created_at:dt8
  updated_at:dt8 scanned_at:dt8 display_secondary_level:bool user_fields:vc query_xml:TEXT
  query_type:int uuid:vc changed_at:i8=0 content_changed_at:i8='0'
  metadata_agent_provider_group_id:int
  @ changed_at metadata_agent_provider_group_id name name_sort~nocase

locatables
  id location_id:int! locatable_id:int! locatable_type:vc! created_at:dt8 updated_at:dt8
  extra_data:vc geocoding_version:int
  = location_id+locatable_id+locatable_type
  @ geocoding_version locatable_id+locatable_type !location_id+locatable_id+locatable_type

location_places
  id location_id:int guid:vc!
  = location_id+guid
  @ !location_id+guid

media_grabs
  id uuid:vc status:int error:int metadata_item_id:int media_subscription_id:int
  extra_data:vc created_at:dt8 updated_at:dt8
  @ created_at metadata_item_id !uuid

media_item_settings
  id account_id:int media_item_id:int settings:vc created_at:dt8 updated_at:dt8
  @ account_id media_item_id

media_items
  id library_section_id:int section_location_id:int metadata_item_id:int type_id:int
  width:int height:int size:i8 duration:int bitrate:int container:vc video_codec:vc
  audio_codec:vc display_aspect_ratio:float frames_per_second:float audio_channels:int
  interlaced:bool source:vc hints:vc display_offset:int settings:vc created_at:dt8
  updated_at:dt8 optimized_for_streaming:bool deleted_at:dt8 media_analysis_version:int=0
  sample_aspect_ratio:float extra_data:vc proxy_type:int channel_id:int begins_at:dt8
  ends_at:dt8 color_trc:vc
  @ begins_at channel_id channel_id+begins_at deleted_at ends_at library_section_id
  @ media_analysis_version metadata_item_id

media_part_settings
  id account_id:int media_part_id:int selected_audio_stream_id:int
  selected_subtitle_stream_id:int settings:vc created_at:dt8 updated_at:dt8 changed_at:i8=0
  @ account_id changed_at media_part_id

media_parts
  id media_item_id:int directory_id:int hash:vc open_subtitle_hash:vc file:vc index:int
  size:i8 duration:int created_at:dt8 updated_at:dt8 deleted_at:dt8 extra_data:vc
  @ deleted_at directory_id file hash media_item_id size

media_provider_resources
  id parent_id:int type:int status:int state:int identifier:vc protocol:vc uri:vc uuid:vc
  extra_data:vc last_seen_at:dt8 created_at:dt8 updated_at:dt8 data:BLOB
  @ identifier parent_id type !uuid

media_stream_settings
  id account_id:int media_stream_id:int extra_data:vc created_at:dt8 updated_at:dt8
  = media_stream_id+account_id
  @ !media_stream_id+account_id

media_streams
  id stream_type_id:int media_item_id:int url:vc codec:vc language:vc created_at:dt8
  updated_at:dt8 index:int media_part_id:int channels:int bitrate:int url_index:int
  default:bool=0 forced:bool=0 extra_data:vc
  @ language media_item_id media_part_id

media_subscriptions
  id order:float metadata_type:int target_metadata_item_id:int target_library_section_id:int
  target_section_location_id:int extra_data:vc created_at:dt8 updated_at:dt8
  @ order target_metadata_item_id

metadata_agent_provider_group_items
  id metadata_agent_provider_group_id:int! metadata_agent_provider_id:int! order:FLOAT
  @ metadata_agent_provider_group_id
  @ !metadata_agent_provider_group_id+metadata_agent_provider_id metadata_agent_provider_id
  @ order

metadata_agent_provider_groups
  id title:vc primary_identifier:vc created_at:dt8! updated_at:dt8! extra_data:vc
  @ primary_identifier

metadata_agent_providers
  id identifier:vc title:vc uri:vc agent_type:int metadata_types:vc online:bool
  created_at:dt8! updated_at:dt8! extra_data:vc
  @ !identifier online uri

metadata_item_accounts
  id account_id:int metadata_item_id:int
  @ account_id metadata_item_id

metadata_item_clusterings
  id metadata_item_id:int metadata_item_cluster_id:int index:int version:int
  @ metadata_item_cluster_id metadata_item_id version
  ^ metadata_item_id->metadata_items(id)
  ^ metadata_item_cluster_id->metadata_item_clusters(id)

metadata_item_clusters
  id zoom_level:int library_section_id:int title:vc count:int starts_at:dt8 ends_at:dt8
  extra_data:vc
  @ library_section_id title zoom_level

metadata_item_setting_markers
  id marker_type:int! metadata_item_setting_id:int! start_time_offset:int!
  end_time_offset:int title:vc created_at:i8 updated_at:i8 extra_data:vc
  @ metadata_item_setting_id updated_at
  ^ metadata_item_setting_id->metadata_item_settings(id)

metadata_item_settings
  id account_id:int guid:vc rating:float view_offset:int view_count:int last_viewed_at:dt8
  created_at:dt8 updated_at:dt8 skip_count:int=0 last_skipped_at:dt8=NULL changed_at:i8=0
  extra_data:vc last_rated_at:dt8
  @ account_id changed_at guid last_viewed_at rating skip_count view_count view_offset

metadata_item_views
  id account_id:int guid:vc metadata_type:int library_section_id:int grandparent_title:vc
  parent_index:int parent_title:vc index:int title:vc thumb_url:vc viewed_at:dt8
  grandparent_guid:vc originally_available_at:dt8 device_id:int view_type:int=0
  @ grandparent_guid guid library_section_id viewed_at

metadata_items
  id library_section_id:int parent_id:int metadata_type:int guid:vc media_item_count:int
  title:vc title_sort:vc~NOCASE original_title:vc studio:vc rating:float rating_count:int
  tagline:vc summary:TEXT trivia:TEXT quotes:TEXT content_rating:vc content_rating_age:int
  index:int absolute_index:int duration:int user_thumb_url:vc user_art_url:vc
  user_banner_url:vc user_music_url:vc user_fields:vc tags_genre:vc tags_collection:vc
  tags_director:vc tags_writer:vc tags_star:vc originally_available_at:dt8 available_at:dt8
  expires_at:dt8 refreshed_at:dt8 year:int added_at:dt8 created_at:dt8 updated_at:dt8
  deleted_at:dt8 tags_country:vc extra_data:vc hash:vc audience_rating:float changed_at:i8=0
  resources_changed_at:i8=0 remote:int edition_title:vc slug:vc user_clear_logo_url:vc
  is_adult:int metadata_agent_provider_group_id:int
  @ absolute_index added_at changed_at created_at deleted_at edition_title guid hash index
  @ is_adult library_section_id library_section_id+metadata_type+added_at
  @ metadata_agent_provider_group_id metadata_type original_title originally_available_at
  @ parent_id remote resources_changed_at slug title title_sort title_sort~icu_root

metadata_relations
  id metadata_item_id:int related_metadata_item_id:int relation_type:int created_at:dt8
  updated_at:dt8
  @ metadata_item_id related_metadata_item_id relation_type

metadata_subscription_desired_items
  sub_id:int remote_id:vc
  @ remote_id sub_id

play_queue_generators
  id playlist_id:int metadata_item_id:int uri:vc limit:int continuous:bool order:float
  created_at:dt8! updated_at:dt8! changed_at:i8=0 recursive:bool type:int extra_data:vc
  @ changed_at metadata_item_id order playlist_id

play_queue_items
  id play_queue_id:int metadata_item_id:int order:float up_next:bool
  play_queue_generator_id:int
  @ metadata_item_id order play_queue_id

play_queues
  id client_identifier:vc account_id:int playlist_id:int sync_item_id:int
  play_queue_generator_id:int generator_start_index:int generator_end_index:int
  generator_items_count:int generator_ids:BLOB seed:int current_play_queue_item_id:int
  last_added_play_queue_item_id:int version:int created_at:dt8 updated_at:dt8
  metadata_type:int total_items_count:int generator_generator_ids:BLOB extra_data:vc
  @ account_id !client_identifier+account_id+metadata_type playlist_id sync_item_id

plugin_prefixes
  id plugin_id:int name:vc prefix:vc art_url:vc thumb_url:vc titlebar_url:vc share:bool
  has_store_services:bool prefs:bool
  @ plugin_id

plugins
  id identifier:vc framework_version:int access_count:int installed_at:dt8 accessed_at:dt8
  modified_at:dt8

preferences
  id name:vc value:vc
  @ !name

remote_id_translation
  id type:int local_id:int remote_id:vc
  @ local_id remote_id

schema_migrations
  version:vc! rollback_sql:TEXT=NULL optimize_on_rollback:bool=NULL min_version:TEXT=NULL
  @ !version

section_locations
  id library_section_id:int root_path:vc available:bool="t" scanned_at:dt8 created_at:dt8
  updated_at:dt8

statistics_bandwidth
  id account_id:int device_id:int timespan:int at:dt8 lan:bool bytes:i8
  @ account_id+timespan+at at

statistics_media
  id account_id:int device_id:int timespan:int at:dt8 metadata_type:int count:int
  duration:int
  @ account_id+timespan+at at

statistics_resources
  id timespan:int at:dt8 host_cpu_utilization:float process_cpu_utilization:float
  host_memory_utilization:float process_memory_utilization:float
  @ at timespan

taggings
  id metadata_item_id:int tag_id:int index:int text:vc time_offset:int end_time_offset:int
  thumb_url:vc created_at:dt8 extra_data:vc
  @ metadata_item_id tag_id

tags
  id metadata_item_id:int tag:vc~NOCASE tag_type:int user_thumb_url:vc user_art_url:vc
  user_music_url:vc created_at:dt8 updated_at:dt8 tag_value:int extra_data:vc key:vc
  parent_id:int
  @ key parent_id tag tag_type tag_type+tag

versioned_metadata_items
  id metadata_item_id:int generator_id:int target_tag_id:int state:int state_context:int
  selected_media_id:int version_media_id:int media_decision:int file_size:i8
  @ generator_id metadata_item_id selected_media_id target_tag_id version_media_id

view_settings
  id account_id:int client_type:vc view_group:vc view_id:int sort_id:int sort_asc:bool
  created_at:dt8 updated_at:dt8
  @ client_type view_group
"""

TYPES = {
    "vc": "varchar(255)",
    "int": "integer",
    "i8": "integer(8)",
    "dt8": "dt_integer(8)",
    "bool": "boolean",
    "pk": "INTEGER NOT NULL",
}
# Indexes whose names do not follow index_<table>_on_<columns>.
NAMES = {
    ("external_metadata_items", "external_metadata_source_id"): (
        "index_external_metadata_items_on_external_source_id"
    ),
    ("blobs", "linked_type+linked_guid+blob_type"): (
        "index_blobs_on_linked_type_linked_guid_and_blob_type"
    ),
    ("blobs", "linked_type+linked_id+blob_type"): (
        "index_blobs_on_linked_type_linked_id_and_blob_type"
    ),
    ("schema_migrations", "version"): "unique_schema_migrations",
    ("metadata_items", "title_sort~icu_root"): "index_title_sort_icu",
}
BARE_NAMES = frozenset(
    {
        "media_grabs",
        "media_provider_resources",
        "media_subscriptions",
        "remote_id_translation",
    }
)


@dataclass(frozen=True)
class Table:
    """One table of the spec: its name and its CREATE statements."""

    name: str
    columns: tuple[str, ...]
    create: str
    indexes: tuple[str, ...]


def _column(token: str) -> tuple[str, str]:
    """``name:vc!=1~NOCASE`` as (name, DDL)."""
    if token == "id":
        return "id", '"id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL'
    token, _, collation = token.partition("~")
    token, _, default = token.partition("=")
    name, _, kind = token.partition(":")
    required = kind.endswith("!")
    ddl = f'"{name}" {TYPES.get(kind.rstrip("!"), kind.rstrip("!"))}'
    ddl += " NOT NULL" if required else ""
    ddl += f" DEFAULT {default}" if default else ""
    return name, ddl + (f" COLLATE {collation}" if collation else "")


def _columns(joined: str) -> str:
    return ", ".join(f'"{name}"' for name in joined.split("+"))


def _index(table: str, token: str) -> str:
    unique, token = token.startswith("!"), token.lstrip("!")
    columns, _, collation = token.partition("~")
    prefix = "" if table in BARE_NAMES else "index_"
    default = f"{prefix}{table}_on_{columns.replace('+', '_and_')}"
    name = NAMES.get((table, token), default)
    collate = f" COLLATE {collation}" if collation else ""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return f'CREATE {kind} "{name}" ON "{table}" ({_columns(columns)}{collate})'


def _foreign_key(token: str) -> str:
    column, _, target = token.partition("->")
    return f'FOREIGN KEY("{column}") REFERENCES {target} ON DELETE CASCADE'


def _parse(paragraph: str) -> Table:
    name, *lines = (line.strip() for line in paragraph.strip().splitlines())
    by_mark: dict[str, list[str]] = {"=": [], "@": [], "^": [], "": []}
    for line in lines:
        mark = line[0] if line[0] in "=@^" else ""
        by_mark[mark] += line[len(mark) :].split()
    columns = [_column(token) for token in by_mark[""]]
    parts = [ddl for _, ddl in columns]
    parts += [f"UNIQUE({_columns(token)})" for token in by_mark["="]]
    parts += [_foreign_key(token) for token in by_mark["^"]]
    if name == "activities":  # a rowid key without AUTOINCREMENT
        parts.append('PRIMARY KEY("id")')
    return Table(
        name,
        tuple(column for column, _ in columns),
        f'CREATE TABLE "{name}" ({", ".join(parts)})',
        tuple(_index(name, token) for token in by_mark["@"]),
    )


def tables() -> Iterator[Table]:
    """Every ordinary table, in the order of the spec."""
    for paragraph in SPEC.strip().split("\n\n"):
        yield _parse(paragraph)


TABLES: dict[str, Table] = {table.name: table for table in tables()}
