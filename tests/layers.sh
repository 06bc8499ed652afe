#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds the layering rule: inspector -> unwind -> heapwalk -> report, each using only what is left of it.
#
#	tests/layers.sh [BUILD]
#
# Reads the sources and, under BUILD (default build), the archive of each layer. Prints every violation.
set -uo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
layers=(inspector unwind heapwalk report)
declare -A rank=([inspector]=0 [unwind]=1 [heapwalk]=2 [report]=3)
declare -A public=([inspector]=inspector/inspector.h [unwind]=unwind/unwinder.h [heapwalk]=heapwalk/heap.h
	[report]=report/report.h)
# Who may include what, as extended regular expressions of the included file. libdw hands out libelf's handles.
declare -A reserved=(
	['sys/(ptrace|user|uio|procfs)\.h|zstd\.h|lz4.*\.h|zlib\.h']=inspector
	['gelf\.h|libelf\.h']='inspector unwind'
	['libunwind.*\.h|elfutils/.*|dwarf\.h|bfd\.h|demangle\.h|libiberty.*\.h']=unwind
	['magic\.h']=cli
	['libsmartcols/.*']=report)
violations=0

complain()
{
	echo "layers: $*"
	violations=$((violations + 1))
}

sources()
{
	find "${layers[@]}" -name '*.[ch]' | sort
}

# The entry and the command line put everything together: they may include every public header.
is_entry()
{
	[[ $1 == heapwalk/main.c || $1 == heapwalk/cli/* ]]
}

check_own_include()
{
	local file=$1 included=$2 from=${1%%/*} to=${2%%/*}

	[ -e "$included" ] || { complain "$file: \"$included\" is not a path from the root"; return; }
	if [ "$from" = "$to" ]; then
		[[ $included != heapwalk/cli/* ]] || is_entry "$file" ||
			complain "$file includes $included: only heapwalk/main.c and heapwalk/cli/ may"
		return
	fi
	[ "$included" != inspector/util.h ] || return 0
	[ -n "${rank[$to]-}" ] || { complain "$file includes $included, which is in no layer"; return; }
	[ "$included" = "${public[$to]}" ] ||
		complain "$file includes $included: of $to/ only ${public[$to]} is public"
	is_entry "$file" || [ "${rank[$to]}" -lt "${rank[$from]}" ] ||
		complain "$file includes $included: $to/ is not to the left of $from/"
}

check_system_include()
{
	local file=$1 included=$2 pattern

	for pattern in "${!reserved[@]}"; do
		[[ " ${reserved[$pattern]} " = *" ${file%%/*} "* ]] ||
			{ [ "${reserved[$pattern]}" = cli ] && is_entry "$file"; } ||
			[[ ! $included =~ ^($pattern)$ ]] ||
			complain "$file includes <$included>, which belongs to ${reserved[$pattern]}/"
	done
}

check_includes()
{
	local file line

	while read -r file; do
		while read -r line; do
			case $line in
			'"'*) line=${line#?} && check_own_include "$file" "${line%%\"*}" ;;
			'<'*) line=${line#<} && check_system_include "$file" "${line%%>*}" ;;
			esac
		done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*//p' "$file")
	done < <(sources)
}

check_headers_alone()
{
	local header messages

	while read -r header; do
		messages=$(${CC:-cc} -std=gnu11 -D_GNU_SOURCE -iquote . -Wall -Wextra -Werror -fsyntax-only \
			-x c - <<<"#include \"$header\"" 2>&1) || complain "$header does not compile alone: $messages"
	done < <(sources | grep '\.h$')
}

# Prints the external names that an archive defines (with "defined") or wants (with "wanted").
names()
{
	local option=--defined-only

	[ "$1" = defined ] || option=--undefined-only
	nm -g --format=posix "$option" "$2" 2>/dev/null | awk 'NF > 1 { print $1 }' | sort -u
}

check_archive()
{
	local layer=$1 left=$2 archive=$build/lib/$1/libhw$1.a

	[ -e "$archive" ] || { complain "$archive is not built"; return; }
	while read -r name; do
		complain "$archive defines the external name $name, which does not begin with hw_"
	done < <(names defined "$archive" | grep -v '^hw_' | grep -v '^__\(a\|t\|u\)san\|^__odr_asan')
	while read -r name; do
		complain "$archive wants $name, which is in no layer left of $layer/"
	done < <(comm -23 <(names wanted "$archive" | grep '^hw_') <(sort -u "$left" <(names defined "$archive")))
	[ "$layer" = unwind ] || while read -r name; do
		complain "$archive calls $name: debugger libraries belong to unwind/"
	done < <(names wanted "$archive" | grep -E '^(dwfl?_|dwarf_|unw_|_U|bfd_)')
	names defined "$archive" >>"$left"
}

check_archives()
{
	local layer left

	left=$(mktemp)
	for layer in "${layers[@]}"; do
		check_archive "$layer" "$left"
	done
	rm -f "$left"
}

check_includes
check_headers_alone
check_archives
[ "$violations" -eq 0 ] || { echo "layers: $violations violations"; exit 1; }
echo "layers: $(sources | wc -l) files and ${#layers[@]} archives keep the rule"
