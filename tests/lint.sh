#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Formatting, static analysis, scripts, the layer rule: everything that is checked without running the program.
# Goes through all of it, then fails if anything was found.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
failed=0

step()
{
	local what=$1
	shift
	echo "lint: $what"
	"$@" || { echo "lint: $what: found something"; failed=1; }
}

# What git knows, and what it would if it were added: neither build products nor ignored files.
files()
{
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -e "$file" ] || echo "$file"
	done
}

mapfile -t sources < <(files '*.c' '*.h' '*.cpp')
mapfile -t compiled < <(files 'inspector/*.c' 'unwind/*.c' 'heapwalk/*.c' 'report/*.c')
mapfile -t scripts < <(files '*.sh' tests/install-packages tests/glibcs/fetch tests/demo/run .ci/run)
# What was found to be fine is not looked at again until it, or a header that it includes, changes.
cache=build/lint
jobs=$(nproc)
mkdir -p "$cache/tidy" "$cache/cppcheck"
flags=(-std=gnu11 -D_GNU_SOURCE '-DHW_VERSION="lint"' -iquote .)

# shellcheck disable=SC2317 # step calls it
spdx()
{
	local missing

	missing=$(for file in "$@"; do head -n 2 "$file" | grep -q SPDX-License-Identifier || echo "$file"; done)
	[ -z "$missing" ] || { echo "no SPDX line in $missing"; return 1; }
}

# Functions of at most 60 lines and so on: the numbers stand in .clang-tidy.
# shellcheck disable=SC2317 # step calls it
tidy()
{
	printf '%s\n' "${compiled[@]}" | xargs -P "$jobs" -n 4 tests/tidy.sh "$cache/tidy" "${flags[@]}" --
}

# Suppressed: what does not know __attribute__((cleanup)) or tables of functions, and what cannot parse them;
# arrays reached through a pointer to their first element.
# shellcheck disable=SC2317 # step calls it
cppcheck_all()
{
	local id suppress=()

	for id in memleak resourceLeak uninitvar internalAstError autoVariables objectIndex \
		nullPointerArithmeticRedundantCheck unusedStructMember returnDanglingLifetime; do
		suppress+=("--suppress=$id")
	done
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance --inline-suppr \
		--cppcheck-build-dir="$cache/cppcheck" "${suppress[@]}" -D_GNU_SOURCE -I . -j "$jobs" "${compiled[@]}"
}

step "licence lines" spdx "${sources[@]}" "${scripts[@]}"
step "clang-format" clang-format --dry-run -Werror "${sources[@]}"
step "shellcheck" shellcheck "${scripts[@]}"
step "layers" tests/layers.sh
step "cppcheck" cppcheck_all
step "clang-tidy" tidy
exit $failed
