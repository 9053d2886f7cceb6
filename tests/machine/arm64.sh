#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The restartable sequences on arm64, under an arm64 kernel in an emulated machine of four cores.
# (tests/arm64 runs the same program in each test run under user emulation, where there is no rseq.)
# By hand only: it takes some minutes, and downloads a kernel.
#
#   tests/machine/arm64.sh [SECONDS OF EACH RUN]
#
# It needs, on Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm cpio, and
# packages of arm64 to download, not to install: dpkg --add-architecture arm64 && apt-get update.

set -eu
cd "$(dirname "$0")/../.."
machine=${MACHINE:-${TMPDIR:-/tmp}/thruster-machine}
# shellcheck source=/dev/null
. tests/machine/machine.sh

machine_need aarch64-linux-gnu-gcc qemu-system-aarch64 cpio dpkg-deb apt-get
machine_fetch arm64 linux-image-arm64
machine_root arm64 "$machine/arm64/root" tests/machine/arm64-init.sh
aarch64-linux-gnu-gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-missing-field-initializers \
	-D_GNU_SOURCE -DTHRUSTER_VERSION='"0"' -I. -Iclient/include -static -pthread \
	tests/arm64/crew.c tests/arm64/disturb.c tests/arm64/mate.c tests/arm64/warden.c \
	shm/*.c client/*.c -o "$machine/arm64/root/bin/crew"
machine_pack "$machine/arm64/root" "$machine/arm64/initramfs.gz"
# Interrupts come between two translated blocks only, unless each instruction is one. That is slow,
# so the kernel boots as usual, and the monitor is told later.
rm -f "$machine/monitor.in" "$machine/monitor.out"
mkfifo "$machine/monitor.in" "$machine/monitor.out"
cat "$machine/monitor.out" >/dev/null &
(
	until grep -q '^MACHINE: Linux' "$machine/console.log" 2>/dev/null; do
		sleep 1
	done
	echo 'singlestep on'
	exec sleep 100000
) >"$machine/monitor.in" &
steps=$!
trap 'kill $steps 2>/dev/null' EXIT
rm -f "$machine/console.log"
machine_boot qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -smp 4 -m 1024 \
	-accel tcg,thread=multi -chardev pipe,id=monitor,path="$machine/monitor" \
	-mon chardev=monitor,mode=readline \
	-kernel "$machine/arm64/vmlinuz" -initrd "$machine/arm64/initramfs.gz" \
	-append "console=ttyAMA0 quiet panic=-1 machine.seconds=${1:-10}"
