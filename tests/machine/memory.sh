#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Where the pages of an arena lie, in an emulated machine with two nodes of memory (two cores and
# 1 GiB each) and 64 huge pages of 2 MiB: near their cores, on use, huge, and given back; and storms
# in them. By hand only: it downloads a kernel, and takes some minutes.
#
#   tests/machine/memory.sh BUILD [KILLS OF EACH STORM]
#
# It needs, on Debian for amd64: qemu-system-x86 cpio, and a build directory with tests
# (meson setup build -Dtests=enabled). It uses /dev/kvm if it may (MACHINE_KVM=no: never), and else
# emulates each instruction, which is twenty times slower.

set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
machine=${MACHINE:-${TMPDIR:-/tmp}/thruster-machine}
# shellcheck source=/dev/null
. tests/machine/machine.sh

machine_need qemu-system-x86_64 cpio ninja dpkg-deb apt-get
machine_fetch amd64 linux-image-cloud-amd64
machine_root amd64 "$machine/amd64/root" tests/machine/memory-init.sh
machine_programs "$build" "$machine/amd64/root" daemon/thrusterd client/thrusterctl/thrusterctl \
	tests/crash/storm tests/machine/pages
machine_pack "$machine/amd64/root" "$machine/amd64/initramfs.gz"
# shellcheck disable=SC2046 # words
machine_boot qemu-system-x86_64 -smp 4 -m 2048 $(machine_accelerator) \
	-object memory-backend-ram,id=near,size=1024M -numa node,cpus=0-1,memdev=near \
	-object memory-backend-ram,id=far,size=1024M -numa node,cpus=2-3,memdev=far \
	-kernel "$machine/amd64/vmlinuz" -initrd "$machine/amd64/initramfs.gz" \
	-append "console=ttyS0 quiet panic=-1 hugepagesz=2M hugepages=64 machine.kills=${2:-200}"
