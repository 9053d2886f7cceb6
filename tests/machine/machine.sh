# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# What arm64.sh, cores.sh and memory.sh have in common: a Debian kernel, an initramfs of a few files,
# a boot in qemu without disk or network. Sourced. Everything is made in $machine, which is kept, so
# that the packages are downloaded once.

: "${machine:?where to work}"

machine_need() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null && continue
		echo "$0: $tool is not there; see the top of this file" >&2
		exit 77
	done
}

# The newest kernel and busybox of an architecture, unpacked into $machine/$1.
machine_fetch() {
	arch=$1 meta=$2
	mkdir -p "$machine/$arch"
	[ -e "$machine/$arch/busybox" ] && return
	kernel=$(apt-cache depends "$meta:$arch" | sed -n 's/^ *Depends: *\(linux-image-[^: ]*\).*/\1/p')
	(
		cd "$machine/$arch" || exit
		apt-get download "$kernel:$arch" "busybox-static:$arch"
		for package in ./*.deb; do
			dpkg-deb -x "$package" files
		done
		mv files/boot/vmlinuz-* vmlinuz
		mv files/bin/busybox busybox
		rm -r files ./*.deb
	)
}

# An empty root with busybox as the shell, and the script $3 as the first process.
machine_root() {
	arch=$1 root=$2 init=$3
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/run"
	cp "$machine/$arch/busybox" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp "$init" "$root/init"
	chmod 755 "$root/init"
}

# Programs of the build directory $1, made and put into the root $2 with their libraries: each at its
# own path, but those of the build, which are found by their names.
machine_programs() {
	build=$1 root=$2
	shift 2
	ninja -C "$build" "$@"
	for program in "$@"; do
		cp "$build/$program" "$root/bin/"
		ldd "$build/$program" | sed -n 's/.*=> \(\/.*\) (.*/\1/p; s/^\t\(\/lib.*\) (.*/\1/p' |
			while read -r library; do
				case $library in
				"$build"/*) to=/lib/${library##*/} ;;
				*) to=$library ;;
				esac
				mkdir -p "$root${to%/*}"
				cp -L "$library" "$root$to"
			done
	done
}

# What emulates amd64: /dev/kvm if it may be used, else each instruction, twenty times slower.
# MACHINE_KVM=no: not even if it may; nested machines can hang with it.
machine_accelerator() {
	if [ -w /dev/kvm ] && [ "${MACHINE_KVM:-yes}" = yes ]; then
		echo "-accel kvm -cpu host"
	else
		echo "-accel tcg,thread=multi -cpu max"
	fi
}

machine_pack() {
	(cd "$1" && find . | cpio --quiet -o -H newc | gzip -1) >"$2"
}

# Run qemu ("$@") and show what the machine says. Fails if a check in it did, or it did not end.
machine_boot() {
	log=$machine/console.log
	nice -n 19 timeout "${MACHINE_TIMEOUT:-1500}" "$@" -nographic -no-reboot -net none </dev/null |
		sed -u 's/\r//g' | tee "$log" | grep --line-buffered -v '^\[ *[0-9.]*\]' || true
	grep -q '^MACHINE: end' "$log" || {
		echo "$0: the machine did not come to its end" >&2
		exit 1
	}
	! grep -q '^not ok\|^MACHINE: failed' "$log"
}
