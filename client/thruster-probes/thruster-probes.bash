# SPDX-License-Identifier: MIT
# Completion for bash: options.
# shellcheck shell=bash

_thruster-probes() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	# Bash takes "--option=value" for three words.
	if [ "$word" = = ]; then
		word=""
	elif [ "$before" = = ]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $before in
	-s | --socket | -f | --file)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-m | --measure)
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "--socket --file --once --measure --perf --no-exits --help --usage --version" -- "$word")
}
complete -F _thruster-probes thruster-probes
