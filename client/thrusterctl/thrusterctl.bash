# SPDX-License-Identifier: MIT
# Completion for bash: a command, and options; those of a command once it is there.
# shellcheck shell=bash

_thrusterctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb="" i
	local options="--socket --timeout --json --help --usage --version"

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | --timeout) i=$((i + 1)) ;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $before in
	-s | --socket | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--timeout | -l | --limit | --client | --pid | --label | --arena | --older | --larger | --headroom | --least)
		return
		;;
	--by)
		mapfile -t COMPREPLY < <(compgen -W "client" -- "$word")
		return
		;;
	esac
	case $verb in
	stats) options+=" --cores" ;;
	advise) options+=" --arena --config --headroom --least" ;;
	leases) options+=" --limit --client --pid --label --arena --older --larger --by" ;;
	esac
	case $word in
	-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
	*) [ -n "$verb" ] || mapfile -t COMPREPLY < <(compgen -W "stats clients leases advise check trim" -- "$word") ;;
	esac
}
complete -F _thrusterctl thrusterctl
