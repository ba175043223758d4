# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's and the sections' settings: names, types and defaults (§3.4).

One line each: ``name type default group [flags] [values]``; flags: ``h`` hidden, ``a``
advanced; ``""`` is the empty text. Labels are the names: nothing here reads labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Value = bool | int | float | str
BEHAVIOUR = (
    "never:never|scheduled:as a scheduled task|"
    "asap:as a scheduled task and when media is added"
)
HOURS = "|".join(f"{hour}:{hour}:00".replace(":00", "꞉00") for hour in range(24))
COUNTS = "0:Unlimited|" + "|".join(f"{n}:{n}" for n in range(1, 21))
PRESETS = "|".join(
    f"{name.replace(' ', '').lower()}:{name}"
    for name in (
        "Ultra fast",
        "Super fast",
        "Very fast",
        "Faster",
        "Fast",
        "Medium",
        "Slow",
        "Slower",
        "Very slow",
    )
)

SERVER = """
FriendlyName text "" general
sendCrashReports bool 1 general
FSEventLibraryUpdatesEnabled bool 0 library
FSEventLibraryPartialScanEnabled bool 0 library a
watchMusicSections bool 0 library a
ScheduledLibraryUpdatesEnabled bool 0 library
ScheduledLibraryUpdateInterval int 3600 library - 900|1800|3600|7200|21600|43200|86400
autoEmptyTrash bool 1 library
allowMediaDeletion bool 1 library a
allowMediaDeletionLanOnly bool 0 library h
OnDeckWindow int 16 library a
OnDeckLimit int 40 library a
OnDeckIncludePremieres bool 1 library a
LibraryVideoPlayedThreshold int 90 library a 70:70%|75:75%|80:80%|85:85%|90:90%|95:95%
SmartShuffleMusic bool 1 library a
LibraryDefaultVisibility int 0 library h
CinemaTrailersType int 1 extras - 0|1
CinemaTrailersFromLibrary bool 1 extras
CinemaTrailersFromTheater bool 0 extras
CinemaTrailersFromBluRay bool 0 extras
CinemaTrailersIncludeEnglish bool 1 extras
CinemaTrailersPrerollID text "" extras a
GlobalMusicVideoPath text "" extras a
iTunesSharingEnabled bool 0 library a
iTunesLibraryXmlPath text "" library a
MachineIdentifier text "" - h
AllowHighOutputBitrates bool 1 - h
ConfigurationUrl text /web network h
AcceptedEULA bool 0 - h
LanguageInCloud bool 0 - h
ArticleStrings text the,das,der,a,an,el,la - h
TranscoderVideoResolutionLimit text 0x0 - h
TranscoderPhotoFileSizeLimitMiB int 100 - h
EnableIPv6 bool 1 network h
customCertificatePath text "" network a
customCertificateKey text "" network a
customCertificateDomain text "" network a
PreferredNetworkInterface text "" network a
DisableTLSv1_0 bool 0 network a
allowedHttpOrigins text "" network h
requestLimitsScale double 1.0 network h
GdmEnabled bool 1 network
PublishServerOnPlexOnlineKey bool 0 - h
PlexOnlineMail text "" - h
PlexOnlineUrl text https://servers.plex.tv - h
PlexWebDesktopUrl text https://app.plex.tv/desktop - h
PlexWebAuthUrl text https://app.plex.tv/auth - h
EnablePinAuth bool 0 - h
ManualPortMappingMode bool 0 - h
ManualPortMappingPort int 32400 - h
LastAutomaticMappedPort int 0 - h
TranscoderQuality int 0 transcoder - 0|1|2|3
SegmentedTranscoderTimeout int 20 transcoder h
TranscoderTempDirectory text "" transcoder a
DownloadsTempDirectory text "" transcoder a
TranscoderDefaultDuration int 120 transcoder h
TranscoderThrottleBuffer int 60 transcoder a
TranscoderPruneBuffer int 300 transcoder h
TranscoderLivePruneBuffer int 5400 transcoder h
TranscoderH264Preset text veryfast transcoder h
TranscoderH264BackgroundPreset text veryfast transcoder a @presets
TranscoderH264Options text "" transcoder h
TranscoderH264OptionsOverride text "" transcoder h
TranscoderH264MinimumCRF double 16.0 transcoder h
TranscoderLogLevel text error transcoder h
TranscoderSessionLogLevel text quiet transcoder h
TranscoderInputTracing bool 0 transcoder h
TranscoderPersistSessionDirs bool 0 transcoder h
TranscoderCanOnlyRemuxVideo bool 0 transcoder a
TranscoderHEVCEncoding bool 0 transcoder h
SystemAudioCodecs bool 1 transcoder h
VaapiDriver text "" transcoder h
VaapiKernelDriver text "" transcoder h
CLDriver text "" transcoder h
omxdecExtraOutBufs int 0 transcoder h
PluginsLaunchTimeout int 180 channels h
DlnaEnabled bool 0 dlna
DlnaPlatinumLoggingLevel text OFF dlna h OFF|FATAL|SEVERE|WARNING|INFO|FINE|ALL
DlnaClientPreferences text "" dlna a
DlnaReportTimeline bool 1 dlna a
DlnaDefaultProtocolInfo text http-get:*:video/mpeg:* dlna a
DlnaDeviceDiscoveryInterval int 60 dlna a
DlnaAnnouncementLeaseTime int 1800 dlna a
DlnaDescriptionIcons text png,jpeg;260x260,120x120,48x48 dlna a
SyncMyPlexLoginGCDeferral int 14400 - h
SyncPagingItemsLimit int 100 - h
BackgroundQueueIdlePaused bool 0 - h
ScannerLowPriority bool 0 library a
forceAutoAdjustQuality bool 0 - h
EnableABRDebugOverlay bool 0 - h
ABRKeepOldTranscodes bool 0 - h
ForceABRDisabled bool 0 - h
RelayEnabled bool 1 network a
TranscodeCountLimit int 0 transcoder h
_CPU-TranscodeCountLimit int 0 transcoder - @counts
OptimizerTranscodeCountLimit int 1 transcoder - @counts
logDebug bool 1 general a
LogVerbose bool 0 general a
LogTokensForDebug bool 0 - h
LogMemoryUse bool 0 - h
LogSynchronous bool 0 - h
MinimumProgressTime int 60000 general h
customConnections text "" network a
allowedNetworks text "" network a
WebHooksEnabled bool 1 network a
ButlerStartHour int 2 butler - @hours
ButlerEndHour int 5 butler - @hours
ButlerTaskBackupDatabase bool 1 butler
ButlerDatabaseBackupPath text @databases butler a
ButlerTaskOptimizeDatabase bool 1 butler
ButlerTaskCleanOldBundles bool 1 butler
ButlerTaskCleanOldCacheFiles bool 1 butler
ButlerTaskRefreshLocalMedia bool 1 butler
ButlerTaskRefreshLibraries bool 0 butler
ButlerTaskUpgradeMediaAnalysis bool 1 butler
ButlerTaskRefreshPeriodicMetadata bool 1 butler
ButlerTaskDeepMediaAnalysis bool 1 butler
ButlerTaskGarbageCollectBlobs bool 1 butler h
ButlerTaskRefreshEpgGuides bool 1 butler h
ButlerUpdateChannel text 16 general - 16:unknown
GenerateIndexFilesDuringAnalysis bool 0 - h
ButlerTaskGenerateMediaIndexFiles bool 0 - h
GenerateBIFKeyframesOnly bool 1 - h
GenerateBIFBehavior text never library - @behaviour
GenerateBIFFrameInterval int 2 library h
GenerateChapterThumbBehavior text scheduled library - @behaviour
LoudnessAnalysisBehavior text scheduled library - @behaviour
LongRunningJobThreads int 0 - h
LoudnessAnalysisThreads int 0 - h
LoudnessReplayGainStyle bool 0 - h
RadioTopTracksPerAlbum int 3 - h
RadioDaysSinceLastPlayed int 2 - h
RadioDirectoryThreshold int 15 - h
RadioDirectoryLimit int 50 - h
LocationVisibility int 1 library - 1|2
DatabaseCacheSize int 40 library a
CertificateVersion int 2 - h
CertificateUUID text "" - h
enableLocalSecurity int -1 - h
EyeQUser text "" - h
DvrShowUnsupportedDevices bool 0 - h
DvrComskipRemoveIntermediates bool 1 - h
DvrComskipKeepOriginal bool 0 - h
SubtitlesPersistIfAdmin bool 0 - h
DvrIncrementalEpgLoader bool 0 - h
EpgUseSelectedProvider text "" - h
MetadataUseDevProvider bool 0 - h
SyncMPRootDirectoryOverride text "" - h
MediaServerManagerAllowHttp bool 0 - h
MergedRecentlyAdded bool 0 - h
EnableDatabaseTrace bool 0 - h
"""

# Exist only on a server whose owner has Plex Pass (§3.4).
PLEX_PASS = """
MusicAnalysisBehavior text scheduled library - @behaviour
GenerateIntroMarkerBehavior text asap library - @behaviour
GenerateCreditsMarkerBehavior text asap library - @behaviour
GenerateAdMarkerBehavior text scheduled library - @behaviour
GenerateVADBehavior text scheduled library - @behaviour
MarkerSource text online,local library h
"""

_COMMON = """
hidden int 0 - h 0|1|2
includeInGlobal bool 1 -
"""
_VIDEO = """
enableCinemaTrailers bool 1 -
enableBIFGeneration bool 1 -
enableCreditsMarkerGeneration bool 1 -
enableAdMarkerGeneration bool 1 -
enableVoiceActivityGeneration bool 1 -
useLocalAssets bool 1 -
originalTitles bool 0 -
"""
SECTION = {
    "movie": _COMMON + _VIDEO + "collectionMode int 2 - - -1|0|1|2\n",
    "show": _COMMON
    + _VIDEO
    + "enableIntroMarkerGeneration bool 1 -\nepisodeSort int 0 - - -1|0|1\n"
    + "flattenSeasons int 0 - - 0|1|2\nshowOrdering text aired -\n",
    "artist": _COMMON
    + "albumSort int 0 -\nenableTrackOffsets bool 0 -\nrespectTags bool 0 -\n"
    + "useLocalAssets bool 1 -\nartistBios bool 1 -\npopularTracks bool 1 -\n",
    "photo": _COMMON + "enableAutoPhotoTags bool 0 -\n",
}
# Not documented: whether musicAnalysis is listed without Plex Pass, and its default.
SECTION_PLEX_PASS = {"artist": "musicAnalysis bool 0 -\n"}


@dataclass(frozen=True)
class Setting:
    """One setting as ``/:/prefs`` describes it."""

    name: str
    kind: str
    default: Value
    group: str
    hidden: bool
    advanced: bool
    values: str

    def parse(self, text: str) -> Value:
        """A value from a query or from Preferences.xml; ValueError when unfit."""
        if self.kind == "bool":
            if text.lower() not in ("0", "1", "true", "false"):
                raise ValueError(f"{self.name} takes a boolean, not {text!r}")
            return text.lower() in ("1", "true")
        if self.kind == "int":
            return int(text)
        if self.kind == "double":
            return float(text)
        allowed = {value.partition(":")[0] for value in self.values.split("|")}
        if self.values and text not in allowed:
            raise ValueError(f"{self.name} takes one of {sorted(allowed)}")
        return text

    def text(self, value: Value) -> str:
        return str(int(value)) if isinstance(value, bool) else str(value)

    def tree(self, value: Value) -> dict[str, object]:
        shown: dict[str, object] = {
            "id": self.name,
            "label": self.name,
            "summary": "",
            "type": self.kind,
            "default": self.default,
            "value": value,
            "hidden": self.hidden,
            "advanced": self.advanced,
            "group": self.group,
        }
        return {**shown, "enumValues": self.values} if self.values else shown


def _setting(line: str, databases: str) -> Setting:
    name, kind, default, group, *rest = re.split(r"\s+", line.strip())
    flags, values = rest[0] if rest else "", rest[1] if len(rest) > 1 else ""
    shared = {
        "@behaviour": BEHAVIOUR,
        "@hours": HOURS,
        "@counts": COUNTS,
        "@presets": PRESETS,
    }
    text = {'""': "", "@databases": databases}.get(default, default)
    bare = Setting(name, kind, "", "", False, False, "")
    return Setting(
        name,
        kind,
        bare.parse(text),
        "" if group == "-" else group,
        "h" in flags,
        "a" in flags,
        shared.get(values, values),
    )


def parse(spec: str, databases: str = "") -> dict[str, Setting]:
    """The settings of a spec by name."""
    lines = [line for line in spec.splitlines() if line.strip()]
    return {line.split()[0]: _setting(line, databases) for line in lines}
