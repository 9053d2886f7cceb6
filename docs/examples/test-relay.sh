#!/bin/bash
# SPDX-License-Identifier: MIT
# The relay against a daemon of its own with few buffers, so that readers wait. Prints TAP.
# $RELAY, $THRUSTERD and $THRUSTERCTL are the programs.

set -u

: "${RELAY:?}" "${THRUSTERD:?}" "${THRUSTERCTL:?}"
export THRUSTERCTL

directory=$(mktemp -d) || exit 1
export THRUSTER_SOCKET="$directory/socket"
daemon=

# shellcheck disable=SC2317 # called by the trap
clean_up() {
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null
		wait "$daemon" 2>/dev/null
	fi
	rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

start_daemon() {
	cat >"$directory/config.json" <<-END
		{ "arenas": [ { "name": "default", "classes": [
			{ "slot_bytes": 4096, "slots": 8 },
			{ "slot_bytes": 65536, "slots": 8 },
			{ "slot_bytes": 262144, "slots": 4 } ] } ] }
	END
	"$THRUSTERD" --socket "$THRUSTER_SOCKET" --config "$directory/config.json" \
		2>"$directory/log" &
	daemon=$!
	for _ in {1..300}; do
		"$THRUSTERCTL" stats >"$directory/stats" 2>/dev/null && return 0
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$directory/log"
	echo "Bail out! the daemon does not answer"
	exit 1
}

number=0

# What it must do, and the command that does it.
check() {
	local text=$1 verdict="not ok"

	shift
	number=$((number + 1))
	"$@" >"$directory/output" 2>&1 && verdict=ok
	echo "$verdict $number - $text"
	sed 's/^/# /' "$directory/output"
}

stop_daemon() {
	local status

	kill "$daemon"
	wait "$daemon"
	status=$?
	daemon=
	cat "$directory/log"
	return "$status"
}

echo 1..8
start_daemon
head -c 32000001 /dev/urandom >"$directory/file"
head -c 777 "$directory/file" >"$directory/small"
check "a killed worker changes nothing" "$RELAY" "$directory/file"
check "nobody is killed with --no-kill" "$RELAY" --no-kill "$directory/file"
check "the only worker is killed" "$RELAY" --readers 1 --workers 1 "$directory/file"
check "many share few buffers" "$RELAY" --readers 12 --workers 9 "$directory/file"
check "a file of one chunk has a half-way too" "$RELAY" "$directory/small"
check "a file that is not there is refused" bash -c '! "$@"' - "$RELAY" "$directory/none"
check "the arena keeps its rules" "$THRUSTERCTL" check
check "the daemon ends well" stop_daemon
