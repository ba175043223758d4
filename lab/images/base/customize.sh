#!/bin/sh
# Runs inside mmdebstrap with the new root as $1: makes the root fit to boot in a container.
set -eu
root="$1"

# cloud-init 22.4 calls update-locale and ends in "error" without a generated locale.
echo "C.UTF-8 UTF-8" >"$root/etc/locale.gen"
echo "LANG=C.UTF-8" >"$root/etc/default/locale"

# Units that need what a container does not have.
for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
    systemd-udev-trigger.service systemd-modules-load.service systemd-timesyncd.service \
    systemd-networkd.service systemd-resolved.service getty.target console-getty.service \
    dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# cloud-init only runs on a server of the lab, which switches it on (images/server).
touch "$root/etc/cloud/cloud-init.disabled"

# Shared host keys would make every machine the same machine.
rm -f "$root"/etc/ssh/ssh_host_*
truncate -s 0 "$root/etc/machine-id"

# The engine gives resolv.conf and hostname.
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"

rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* \
    "$root"/var/cache/apt/archives/*.deb
