#!/bin/sh
# After atg-server was removed. Purging (deb) removes what the service kept, and its user; removing leaves both, as rpm always does.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "${1:-}" = purge ]; then
	rm -rf /var/lib/atg
	if getent passwd atg >/dev/null; then
		userdel atg
	fi
	if [ -d /etc/atg ]; then
		rmdir --ignore-fail-on-non-empty /etc/atg
	fi
fi
