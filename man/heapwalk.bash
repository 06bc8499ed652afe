# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for heapwalk

_heapwalk_pids()
{
	ps -eo pid= 2>/dev/null | tr -d ' '
}

_heapwalk_columns()
{
	heapwalk "$@" --columns help 2>/dev/null | sed -n 's/^  [* ] \([a-z_]*\) .*/\1/p' | sort -u
}

# The views named so far: they decide which columns there are.
_heapwalk_views()
{
	local word

	for word in "${COMP_WORDS[@]}"; do
		case $word in
		--summary | --histogram | --types | --shapes | --pools | --list | --dump | --dump-strings | --leaks | --explain | --who | --retained | --verdict | --arenas | --maps | --stacks | --anomalies)
			echo "$word"
			;;
		esac
	done
}

_heapwalk()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local long="--attach --core --exe --sysroot --debug-dir --freeze --size --arena --kind --type --type-hint --min-confidence
		--summary --histogram --types --shapes --pools --by --list --dump --dump-strings --leaks --explain --who --retained --verdict --arenas --maps --stacks --anomalies --format --columns --sort --top --limit
		--newest-first --dump-bytes --min-length --bytes --output --help --version
		--ignore-globals --ignore-stacks --ignore-registers --ignore-tls --ignore-mapped --quick --fail-on"
	local kinds="live free any mmapped tcache fastbin unsorted smallbin largebin unbinned top bookkeeping skipped
		zero string wide c++ pointers text numbers data
		lost definite indirect possible reachable stale"
	local views

	COMPREPLY=()
	case $previous in
	-p | --attach)
		mapfile -t COMPREPLY < <(compgen -W "$(_heapwalk_pids)" -- "$current")
		;;
	-c | --core | -e | --exe | -o | --output)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--sysroot | --debug-dir)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	--freeze)
		mapfile -t COMPREPLY < <(compgen -W "fork hold auto" -- "$current")
		;;
	--min-confidence)
		mapfile -t COMPREPLY < <(compgen -W "certain strong likely guess unknown" -- "$current")
		;;
	--by)
		mapfile -t COMPREPLY < <(compgen -W "size type shape" -- "$current")
		;;
	-f | --format)
		mapfile -t COMPREPLY < <(compgen -W "table json csv" -- "$current")
		;;
	-k | --kind)
		mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$current")
		;;
	-C | --columns | --sort)
		mapfile -t views < <(_heapwalk_views)
		mapfile -t COMPREPLY < <(compgen -W "$(_heapwalk_columns "${views[@]}")" -- "$current")
		;;
	--fail-on)
		mapfile -t COMPREPLY < <(compgen -W "lost" -- "$current")
		;;
	-s | --size | -a | --arena | -T | --type | -n | --top | --limit | --dump-bytes | --min-length) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$long" -- "$current")
		;;
	esac
}

complete -F _heapwalk heapwalk
