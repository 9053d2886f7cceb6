#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of the machine that memory.sh boots.

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ip link set lo up 2>/dev/null
export THRUSTERD=/bin/thrusterd THRUSTERCTL=/bin/thrusterctl HOME=/
echo "MACHINE: $(uname -srm), $(nproc) cores"
for node in 0 1; do
	echo "MACHINE: node $node: cores $(cat /sys/devices/system/node/node$node/cpulist)"
done
grep 'HugePages_Total\|Hugepagesize' /proc/meminfo
# Where a page is at the start is looked at, not where the kernel may move it to later.
echo 0 >/proc/sys/kernel/numa_balancing
# What is free is to be in MemFree, not with a core.
echo 100000 >/proc/sys/vm/percpu_pagelist_high_fraction

run() {
	echo "MACHINE: $*"
	"$@" || echo "MACHINE: failed: $*"
}

word() {
	sed -n "s/.*machine\\.$1=\\([0-9]*\\).*/\\1/p" /proc/cmdline
}

# Trim whatever daemon there is, again and again.
trim_on() {
	while [ -e /tmp/trimming ]; do
		for socket in /tmp/thruster-*/s; do
			thrusterctl --socket "$socket" --json trim >/tmp/answer 2>/dev/null &&
				sed -n 's/.*"trimmed_bytes_total": *\([0-9]*\).*/\1/p' /tmp/answer >>/tmp/trims
		done
		usleep 20000
	done
}

storm_with() {
	echo "MACHINE: $1"
	run env STORM_MEMORY="$1" storm "$(word kills)" 8
}

run pages at_start
run pages on_use
run pages huge
run pages trim
storm_with '{ "page_bytes": 2097152 }'
storm_with '{ "page_bytes": 2097152, "allocate": "on_use" }'
touch /tmp/trimming /tmp/trims
trim_on &
storm_with '{ "allocate": "on_use", "trim_after_s": 1 }'
rm /tmp/trimming
wait
echo "MACHINE: $(wc -l </tmp/trims) trims gave back $(tail -n 1 /tmp/trims) bytes"
grep HugePages_ /proc/meminfo
if dmesg | grep -i 'segfault\|BUG:\|stall'; then
	echo "MACHINE: the kernel complains"
fi
echo "MACHINE: end"
poweroff -f
