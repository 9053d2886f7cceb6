#!/usr/bin/env bash
# Install the build into an empty directory, and use only what is there: build the README's program
# with pkg-config against the shared library, against the static one, and as C++, and run each
# against the installed daemon.
# shellcheck disable=SC2317 # functions are called by name, through try
set -euo pipefail

source=$1
build=$2
place=$(mktemp -d "${TMPDIR:-/tmp}/thruster-XXXXXX")
daemon=
n=0
failed=0

clean() {
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	rm -rf "$place"
}
trap clean EXIT

report() { # RESULT NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$place/log"
		failed=1
	fi
}

try() { # NAME COMMAND...
	local name=$1 result=0

	shift
	"$@" >"$place/log" 2>&1 || result=1
	report "$result" "$name"
}

# The first C program of the README.
readme_program() {
	awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' "$source/README.md"
}

say_hello() { # PROGRAM...
	"$@" | tee "$place/said"
	grep -q '^hello from client [0-9]*: a buffer of [0-9]* bytes$' "$place/said"
}

is_short() {
	[ "$(wc -l <"$place/hello.c")" -le 22 ]
}

try 'it installs' env DESTDIR="$place/root" meson install -C "$build" --no-rebuild --quiet
prefix=$(find "$place/root" -name client.h -printf '%h' -quit)
prefix=${prefix%/include/thruster}
libdir=$(dirname "$(find "$prefix" -name libthruster-client.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$place/root
read -ra flags <<<"$(pkg-config --cflags --libs libthruster-client)"
read -ra includes <<<"$(pkg-config --cflags libthruster-client)"
export LD_LIBRARY_PATH=$libdir THRUSTER_SOCKET=$place/socket

readme_program >"$place/hello.c"
try 'the program in the README has about 20 lines' is_short
try 'it compiles against the shared library' \
	cc -std=c11 -Wall -Wextra -Werror -o "$place/shared" "$place/hello.c" "${flags[@]}"
try 'it compiles against the static library' \
	cc -std=c11 -Wall -Wextra -Werror -o "$place/static" "$place/hello.c" "${includes[@]}" \
	"$libdir/libthruster-client.a"
if command -v c++ >/dev/null; then
	try 'it compiles as C++17' \
		c++ -x c++ -std=c++17 -Wall -Wextra -Werror -o "$place/cpp" "$place/hello.c" \
		"${flags[@]}"
else
	n=$((n + 1))
	echo "ok $n - it compiles as C++17 # SKIP no C++ compiler here"
fi

"$prefix/sbin/thrusterd" --socket "$THRUSTER_SOCKET" 2>"$place/daemon.log" &
daemon=$!
for _ in $(seq 500); do
	"$prefix/bin/thrusterctl" stats >/dev/null 2>&1 && break
	sleep 0.02
done
for kind in shared static cpp; do
	[ -x "$place/$kind" ] && try "it runs ($kind)" say_hello "$place/$kind"
done
try 'the installed thrusterctl shows the statistics' "$prefix/bin/thrusterctl" stats
kill "$daemon"
result=0
wait "$daemon" || result=1
daemon=
report "$result" 'the installed daemon stops in peace'
echo "1..$n"
exit "$failed"
