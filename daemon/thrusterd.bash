# SPDX-License-Identifier: MIT
# Completion for bash: options.
# shellcheck shell=bash

_thrusterd() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	case $before in
	-s | --socket | -c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "--built-in --config --socket --check-config --verbose --help --usage --version" -- "$word")
}
complete -F _thrusterd thrusterd
