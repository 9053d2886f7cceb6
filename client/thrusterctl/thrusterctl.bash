# SPDX-License-Identifier: MIT
# Completion for bash: a command, and options; those of a command once it is there. Names of arenas
# come from a daemon that answers at once.
# shellcheck shell=bash

_thrusterctl_arenas() {
	timeout 0.5 thrusterctl stats "$@" 2>/dev/null | sed -n 's/^arena \([^:]*\):.*/\1/p'
}

_thrusterctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb="" option i
	local options="--socket --timeout --json --help --usage --version" socket=()

	# Bash takes "--option=value" for three words.
	if [ "$word" = = ]; then
		word=""
	elif [ "$before" = = ]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | --timeout)
			option=${COMP_WORDS[i]}
			[ "${COMP_WORDS[i + 1]}" = = ] && i=$((i + 1))
			i=$((i + 1))
			[ "$option" = --timeout ] || socket=(--socket "${COMP_WORDS[i]}")
			;;
		-*) ;;
		*) [ -n "$verb" ] || verb=${COMP_WORDS[i]} ;;
		esac
	done
	case $before in
	-s | --socket | --config | -o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-a | --arena)
		mapfile -t COMPREPLY < <(
			compgen -W "$(_thrusterctl_arenas "${socket[@]}")" -- "$word"
		)
		return
		;;
	--by)
		mapfile -t COMPREPLY < <(compgen -W "client" -- "$word")
		return
		;;
	--timeout | -l | --limit | --client | --pid | --label | --older | --larger | --headroom | \
		--least | -n | --seconds | -i | --interval | --iterations)
		return
		;;
	esac
	case $verb in
	stats) options+=" --cores" ;;
	top) options+=" --arena --batch --interval --iterations" ;;
	advise) options+=" --arena --config --headroom --least" ;;
	trace) options+=" --seconds" ;;
	report) options+=" --output" ;;
	metrics) options+=" --cores --clients" ;;
	leases) options+=" --limit --client --pid --label --arena --older --larger --by" ;;
	esac
	case $verb,$word in
	*,-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
	,*)
		mapfile -t COMPREPLY < <(
			compgen -W "stats top clients leases advise check trace trim report metrics" -- "$word"
		)
		;;
	trim,*)
		mapfile -t COMPREPLY < <(
			compgen -W "$(_thrusterctl_arenas "${socket[@]}")" -- "$word"
		)
		;;
	esac
}
complete -F _thrusterctl thrusterctl
