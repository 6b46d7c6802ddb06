#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The style that a program can check; one line a check in TAP's form, the findings under it.
set -u
cd "$(dirname "$0")/.."

status=0
sources=$(find common waconnd apigw tests -name node_modules -prune -o -name '*.[ch]' -print | sort)

# check NAME COMMAND...: it finds nothing and ends with 0.
check()
{
	name=$1
	shift
	if found=$("$@" 2>&1) && [ -z "$found" ]; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		printf '%s\n' "$found" | head -n 40
		status=1
	fi
}

formatting()
{
	for f in $sources; do
		clang-format --dry-run --Werror "$f" 2>/dev/null || echo "$f: make format"
	done
}

# Who may include whom: libc < common < {waconnd, apigw}; in waconnd link < outlet < blast < api < main, with store beside.
# A row: the directory of the file, then those that it may include from. The longest matching row counts.
include_order()
{
	# shellcheck disable=SC2086
	awk '
	BEGIN {
		may["common/"] = "common/"
		may["waconnd/link/"] = "common/ waconnd/link/ waconnd/signal/ waconnd/keydb.h"
		may["waconnd/signal/"] = "common/ waconnd/signal/ waconnd/keydb.h waconnd/link/credentials.h"
		may["waconnd/store/"] = "common/ waconnd/store/ waconnd/keydb.h"
		may["waconnd/blast/"] = "common/ waconnd/"
		never["waconnd/blast/"] = "waconnd/api/"
		may["waconnd/api/"] = "common/ waconnd/"
		may["waconnd/waconnctl/"] = "common/ waconnd/waconnctl/"
		may["waconnd/"] = "common/ waconnd/"
		never["waconnd/outlet"] = "waconnd/api/ waconnd/blast/"
		pure = "waconnd/blast/pacer.h" # arithmetic, which an outlet does for its blasts
		may["apigw/"] = "common/ apigw/"
		may["tests/sim/"] = "common/ tests/sim/"
		may["tests/"] = "common/ waconnd/ apigw/ tests/"
		generated = "^(ipc|wa|credentials)\\.pb-c\\.h$|^sql\\.h$"
	}
	function row(table, file,   prefix, best) {
		best = ""
		for (prefix in table)
			if (index(file, prefix) == 1 && length(prefix) > length(best))
				best = prefix
		return best == "" ? "" : table[best]
	}
	function within(list, file,   i, n, part) {
		n = split(list, part, " ")
		for (i = 1; i <= n; i++)
			if (index(file, part[i]) == 1)
				return 1
		return 0
	}
	/^#include "/ {
		split($0, word, "\"")
		if (word[2] ~ generated || (word[2] == pure && FILENAME ~ /^waconnd\//))
			next
		if (!within(row(may, FILENAME), word[2]) || within(row(never, FILENAME), word[2]))
			print FILENAME ":" FNR ": may not include " word[2]
	}' $sources
}

banned_functions()
{
	# shellcheck disable=SC2086
	grep -nE '(^|[^a-zA-Z0-9_.>"])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|strncpy|strncat|system|alloca)\(' $sources || true
}

licence_lines()
{
	# shellcheck disable=SC2086
	for f in $sources; do
		head -n 1 "$f" | grep -q '^/\* SPDX-License-Identifier: GPL-3.0-or-later \*/$' || echo "$f: no licence in its first line"
	done
}

leftovers()
{
	# shellcheck disable=SC2086
	grep -nE '\<(TODO|FIXME|XXX|HACK)\>' $sources || true
}

# Lock files with checksums and without addresses.
lock_files()
{
	for f in apigw/web/package-lock.json tests/package-lock.json tests/node/package-lock.json; do
		! grep -n '"resolved"' "$f" || continue
		node -e "
			for (const [name, p] of Object.entries(JSON.parse(require('fs').readFileSync('$f')).packages))
				if (name !== '' && !p.integrity && !p.inBundle)
					console.log('$f: no checksum of ' + name);"
	done
}

# A vector that no test names, by itself or with all of its category, is not checked.
# What make demo and make run load is node's or ours: the packages of the tests are not installed for them.
demo_packages()
{
	node -e '
	const fs = require("fs"), path = require("path"), seen = new Set();
	function walk(file) {
		if (seen.has(file))
			return;
		seen.add(file);
		for (const [, name] of fs.readFileSync(file, "utf8").matchAll(/^(?:import |export |}).*?["\x27]([^"\x27]+)["\x27];$/gm)) {
			if (name.startsWith("."))
				walk(path.resolve(path.dirname(file), name));
			else if (!name.startsWith("node:"))
				console.log(`${path.relative("", file)}: ${name}`);
		}
	}
	["demo", "run", "scan"].forEach((name) => walk(path.resolve(`tests/demo/${name}.mjs`)));
	if (seen.size < 6)
		console.log(`only ${seen.size} files seen`);
	'
}

vectors()
{
	node -e '
		const fs = require("fs");
		const sources = process.argv.slice(1).filter((f) => f.startsWith("tests/unit/")).map((f) => fs.readFileSync(f, "utf8")).join("");
		for (const { name, category } of JSON.parse(fs.readFileSync("tests/vectors/vectors.json")).vectors)
			if (!sources.includes(`"${name}"`) && !(name.startsWith("media-keys-") && sources.includes(`"media-keys-%s"`)) && !sources.includes(`vectors_each("${category}"`))
				console.log(`${name}: no test`);' $sources
}

cpp_check()
{
	cppcheck -q -j 2 --max-configs=1 -D__linux__ -U__cplusplus --std=c11 --error-exitcode=1 --inline-suppr --enable=warning \
		--suppress=arrayIndexOutOfBoundsCond --suppress=invalidFunctionArgBool --library=posix \
		--include="/usr/include/$(gcc -dumpmachine)/sys/queue.h" --include=/usr/include/jansson.h -I. \
		common waconnd apigw tests/sim
}

check formatting formatting
check include-order include_order
check banned-functions banned_functions
check licence-lines licence_lines
check leftovers leftovers
check lock-files lock_files
check demo-packages demo_packages
check vectors vectors
check cppcheck cpp_check
check openapi node tests/openapi_lint.mjs docs/openapi.yaml
exit $status
