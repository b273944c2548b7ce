#!/bin/sh
# Before atg-server is removed. On an upgrade (deb: upgrade; rpm: 1 or more are left) it goes on running until the new one is there.
set -e

case "${1:-}" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now atg-server.service
	fi
	;;
esac
