#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing on a Debian 12, and only that.
#
#	tests/install.sh build|demo|check|faults|bench [list]
#
# build: what compiling and the web UI need; demo: that and PostgreSQL; check: that and what only the tests need; faults, bench: that and
# what make faults and make bench need. With "list" it prints the Debian packages that are missing and installs nothing.
set -eu
cd "$(dirname "$0")/.."

build='gcc libc6-dev pkg-config protobuf-c-compiler mawk
	libevent-dev libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libsignal-protocol-c-dev libprotobuf-c-dev
	libjansson-dev libpq-dev libssl-dev libqrencode-dev libpng-dev libargon2-dev libsystemd-dev libinih-dev zlib1g-dev
	libcurl4-openssl-dev libjpeg62-turbo-dev libwebp-dev'
demo='postgresql'
check='curl jq openssl libcmocka-dev clang libclang-rt-14-dev clang-format cppcheck chromium fonts-dejavu-core'
faults='patroni etcd-server'
bench='nginx-light wrk linux-perf'

# What a package is needed for may have come from elsewhere: then the package is not.
commands='node=nodejs npm=npm'

# The oldest node that the web UI's and the tests' packages run on; Debian 12 has 18.
node_wanted='20.19'

installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing()
{
	for package in "$@"; do
		installed "$package" || echo "$package"
	done
	for pair in $commands; do
		command -v "${pair%%=*}" >/dev/null 2>&1 || echo "${pair#*=}"
	done
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "$0: neither root nor sudo: install as root: $packages" >&2
		exit 1
	fi
}

# Lists older than a day may name files that the mirror no longer has.
lists_are_fresh()
{
	[ -n "$(find /var/lib/apt/lists -maxdepth 0 -mtime -1 2>/dev/null)" ] &&
		[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' 2>/dev/null | head -n 1)" ]
}

apt_install()
{
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends $packages </dev/null
}

node_is_new_enough()
{
	node -e "const [a, b] = process.versions.node.split('.'), [c, d] = '$node_wanted'.split('.');
		process.exit(+a > +c || (+a === +c && +b >= +d) ? 0 : 1)"
}

case ${1:-} in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
check) wanted="$build $demo $check" ;;
faults) wanted="$build $demo $check $faults" ;;
bench) wanted="$build $demo $check $bench" ;;
*)
	echo "usage: $0 build|demo|check|faults|bench [list]" >&2
	exit 2
	;;
esac

# shellcheck disable=SC2086
packages=$(missing $wanted | tr '\n' ' ')
if [ "${2:-}" = list ]; then
	echo "$packages"
	exit 0
fi
if [ -n "$packages" ]; then
	echo "Installing Debian packages: $packages"
	lists_are_fresh || as_root apt-get -q update </dev/null
	apt_install || {
		as_root apt-get -q update </dev/null
		apt_install
	}
fi

# Debian's npm brings a newer node from its own registry, into this directory alone; the Makefile puts it on the PATH.
if ! node_is_new_enough && ! [ tests/node/bin/node -nt tests/node/package-lock.json ]; then
	echo "Installing node $node_wanted or newer below tests/node"
	(cd tests/node && npm ci --no-audit --no-fund </dev/null && ln -sfn node_modules/node-linux-*/bin bin && touch bin/node)
fi
