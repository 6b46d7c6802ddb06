#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A private PostgreSQL cluster in a directory: on a Unix socket in it, no TCP.
#
#	tests/postgres.sh start DIR    makes it when needed, starts it, prints the DSN
#	tests/postgres.sh stop DIR
#	tests/postgres.sh kill DIR     stops it as a crash would: the next start recovers
#	tests/postgres.sh dsn DIR
#
# PostgreSQL refuses to run as root: then it runs as postgres or, without that user, as nobody. FAST=1 turns fsync off.
# A socket's path holds at most 107 bytes: when DIR is long, the socket is in a directory of /tmp.
set -eu

usage()
{
	echo "usage: $0 start|stop|kill|dsn DIR" >&2
	exit 2
}

[ $# -eq 2 ] || usage
command=$1
case $2 in
/*) dir=$2 ;;
*) dir=$PWD/$2 ;;
esac
run=$dir/run
if [ ${#run} -gt 80 ]; then
	run=/tmp/wcpg-$(printf %s "$dir" | cksum | cut -d ' ' -f 1)
fi
dsn="host=$run user=waconn dbname=waconn"

user=
if [ "$(id -u)" -eq 0 ]; then
	for u in postgres nobody; do
		if id "$u" >/dev/null 2>&1; then
			user=$u
			break
		fi
	done
fi

# Directories on the way that only root may enter, such as root's home: that user gets past them, where the system allows it.
caps=
if [ -n "$user" ] && setpriv --inh-caps=+dac_read_search --ambient-caps=+dac_read_search true 2>/dev/null; then
	caps='--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search'
fi

# Runs a program of PostgreSQL, unprivileged, from a directory that everybody may enter.
pg()
{
	program=$1
	shift
	path=$(command -v "$program" 2>/dev/null || true)
	for d in /usr/lib/postgresql/*/bin; do
		if [ -x "$d/$program" ]; then
			path=$d/$program
		fi
	done
	if [ -z "$path" ]; then
		echo "$0: $program not found: install postgresql" >&2
		exit 1
	fi
	if [ -n "$user" ]; then
		# shellcheck disable=SC2086 # a list of words
		(cd / && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups $caps "$path" "$@")
	else
		(cd / && exec "$path" "$@")
	fi
}

start()
{
	mkdir -p "$dir" "$run"
	# The server's user owns what is its own; the way there must be open to it.
	if [ -n "$user" ]; then
		chmod 755 "$dir"
		chown "$user" "$run"
	fi
	if [ ! -f "$dir/data/PG_VERSION" ]; then
		mkdir -p "$dir/data"
		chmod 700 "$dir/data"
		[ -z "$user" ] || chown "$user" "$dir/data"
		pg initdb -D "$dir/data" -U waconn --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-instructions ${FAST:+-N} >&2
		{
			echo "listen_addresses = ''"
			echo "unix_socket_directories = '$run'"
			echo "logging_collector = off"
			echo "max_connections = 100"
			[ -z "${FAST:-}" ] || echo "fsync = off"
		} >>"$dir/data/postgresql.conf"
	fi
	if ! pg pg_ctl status -D "$dir/data" >/dev/null 2>&1; then
		# The server keeps no descriptor of ours open, so that a pipe that we print into ends with us.
		pg pg_ctl start -w -t 60 -D "$dir/data" -l "$dir/data/server.log" </dev/null >&2 2>&1
	fi
	if [ -z "$(pg psql -h "$run" -U waconn -d postgres -Atc "SELECT 1 FROM pg_database WHERE datname = 'waconn'")" ]; then
		pg createdb -h "$run" -U waconn waconn
	fi
	echo "$dsn"
}

case $command in
start)
	start
	;;
stop)
	if pg pg_ctl status -D "$dir/data" >/dev/null 2>&1; then
		pg pg_ctl stop -w -t 60 -m fast -D "$dir/data" >&2
	fi
	[ "$run" = "$dir/run" ] || rm -rf "$run"
	;;
kill)
	pg pg_ctl stop -w -t 60 -m immediate -D "$dir/data" >&2
	;;
dsn)
	echo "$dsn"
	;;
*)
	usage
	;;
esac
