# SPDX-License-Identifier: MIT
#
# zsh -f complete.zsh DIRECTORIES LINE
#
# What zsh completes the line to, one match a line; the functions are looked for in DIRECTORIES,
# separated by colons, before all others. A shell of its own sits at a pseudo-terminal, is given the
# line and a tab, and tells what is added instead of adding it. (The way of zsh-capture-completion.)

zmodload zsh/zpty || exit 77
export DIRECTORIES=$1
zpty shell zsh -f -i

() {
	local line

	zpty -w shell "source $1"
	repeat 20; do
		zpty -r shell line || exit 1
		[[ $line == *ready* ]] && return
	done
	exit 1
} =( <<< '
fpath=(${(s.:.)DIRECTORIES} $fpath)
PROMPT=
unsetopt prompt_cr prompt_sp
autoload -Uz compinit
compinit -D -u
bindkey "^I" complete-word
mark () { echo -E - "@@@" }
compprefuncs=(mark)
comppostfuncs=(mark exit)
zstyle ":completion:*" insert-tab false
compadd () {
	local -a hits
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A hits "$@"
	(( $#hits )) && print -rl -- ${IPREFIX}${^hits}
	builtin compadd "$@"
}
echo ready' )

zpty -w -n shell "$2"$'\t'

integer marks=0
local line
while zpty -r shell line; do
	line=${line%$'\r\n'}
	if [[ $line == *@@@ ]]; then
		(( ++marks == 2 )) && break
	elif (( marks == 1 )); then
		print -r -- $line
	fi
done
zpty -d shell
(( marks == 2 ))
