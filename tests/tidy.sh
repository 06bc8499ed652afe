#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# clang-tidy for files that have changed since they last passed.
#
#	tests/tidy.sh CACHE FLAG... -- FILE...
#
# CACHE has an empty file for each combination of source, headers of ours, flags, checks and clang-tidy that was
# found to be fine.
set -uo pipefail
cache=$1
shift
flags=()
while [ "$1" != -- ]; do
	flags+=("$1")
	shift
done
shift
failed=0
version=$(clang-tidy --version)
# A third of the paths through a function that the analyzer would try: the others take most of the time and, in a
# tree of short functions, find nothing.
depth=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=75000)

# The file's name, its bytes and those of every header of ours that it includes, and all that judges them.
key()
{
	local depends

	depends=$(cc "${flags[@]}" -MM -MT '' "$1" | tr -d ':\134') || return
	# shellcheck disable=SC2086 # the names are separated by spaces
	{ echo "$version ${flags[*]} ${depth[*]} $depends"; cat .clang-tidy $depends; } | sha256sum | cut -d ' ' -f 1
}

for file; do
	if ! key=$(key "$file"); then
		failed=1
	elif [ ! -e "$cache/$key" ]; then
		if clang-tidy --quiet "${depth[@]}" "$file" -- "${flags[@]}" 2>/dev/null; then
			touch "$cache/$key"
		else
			failed=1
		fi
	fi
done
exit $failed
