# SPDX-License-Identifier: MIT
# Completion for bash: a command, and options.
# shellcheck shell=bash

_thrusterctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	case $before in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-l | --limit)
		return
		;;
	esac
	case $word in
	-*) mapfile -t COMPREPLY < <(compgen -W "--socket --json --cores --limit --help --usage --version" -- "$word") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "stats clients leases check trim" -- "$word") ;;
	esac
}
complete -F _thrusterctl thrusterctl
