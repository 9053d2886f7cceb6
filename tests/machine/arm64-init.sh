#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of the machine that arm64.sh boots.

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "MACHINE: $(uname -srm), $(nproc) cores"

run() {
	echo "MACHINE: $*"
	"$@" || echo "MACHINE: failed: $*"
}

seconds=$(sed -n 's/.*machine\.seconds=\([0-9]*\).*/\1/p' /proc/cmdline)
run crew --engine cores --seconds "$seconds" --disturb 3000
run crew --engine cores --seconds "$seconds" --processes 8 --kill 50 --disturb 5000
run crew --engine mixed --seconds "$seconds" --kill 100 --disturb 5000
run crew --engine threads --seconds "$seconds"
run crew --engine cores --seconds "$seconds" --cores 1024
run crew --engine cores --seconds "$seconds" --cores 1
if dmesg | grep -i 'rseq\|segfault\|unhandled\|BUG:\|rcu.*stall'; then
	echo "MACHINE: the kernel complains"
fi
echo "MACHINE: end"
poweroff -f
