#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Many cores, and cores that come and go, in an emulated machine: storms on sixteen of them, what a
# core holds that goes offline, cores that flap while clients work and are killed.
# By hand only: it takes many minutes, and downloads a kernel.
#
#   tests/machine/cores.sh BUILD DIRECTORY [KILLS [SECONDS OF FLAPPING]]
#
# It needs, on Debian for amd64: qemu-system-x86 cpio, and a build directory with tests
# (meson setup build -Dtests=enabled). It uses /dev/kvm if it may (MACHINE_KVM=no: never), and else
# emulates each instruction, which is twenty times slower. MACHINE_CORES (16) is the number of cores.

set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
machine=${MACHINE:-${TMPDIR:-/tmp}/thruster-machine}
# shellcheck source=/dev/null
. tests/machine/machine.sh

programs="daemon/thrusterd client/thrusterctl/thrusterctl tests/crash/storm tests/arm64/crew
	tests/machine/cores tests/machine/offline"
machine_need qemu-system-x86_64 cpio ninja dpkg-deb apt-get
machine_fetch amd64 linux-image-cloud-amd64
machine_root amd64 "$machine/amd64/root" tests/machine/cores-init.sh
# shellcheck disable=SC2086 # a list of words
machine_programs "$build" "$machine/amd64/root" $programs
machine_pack "$machine/amd64/root" "$machine/amd64/initramfs.gz"
# shellcheck disable=SC2046 # words
machine_boot qemu-system-x86_64 -smp "${MACHINE_CORES:-16}" -m 3072 $(machine_accelerator) \
	-kernel "$machine/amd64/vmlinuz" -initrd "$machine/amd64/initramfs.gz" \
	-append "console=ttyS0 quiet panic=-1 machine.kills=${2:-300} machine.seconds=${3:-60}"
