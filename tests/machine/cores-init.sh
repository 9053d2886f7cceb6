#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of the machine that cores.sh boots.

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ip link set lo up 2>/dev/null
export THRUSTERD=/bin/thrusterd THRUSTERCTL=/bin/thrusterctl HOME=/
echo "MACHINE: $(uname -srm), $(nproc) cores"

run() {
	echo "MACHINE: $*"
	"$@" || echo "MACHINE: failed: $*"
}

word() {
	sed -n "s/.*machine\\.$1=\\([0-9]*\\).*/\\1/p" /proc/cmdline
}

run offline
run cores storm "$(word kills)"
run storm "$(word kills)" 16
run cores flap "$(word seconds)"
run crew --processes 8 --threads 4 --seconds 10 --kill 100 --disturb 5000
run crew --processes 8 --threads 4 --seconds 10 --kill 100 --disturb 5000 --engine mixed
if dmesg | grep -i 'segfault\|BUG:\|stall'; then
	echo "MACHINE: the kernel complains"
fi
echo "MACHINE: end"
poweroff -f
