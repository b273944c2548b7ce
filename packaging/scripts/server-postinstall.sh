#!/bin/sh
# After atg-server is installed or upgraded: its user, who may read its configuration, and systemd's knowledge of the unit.
set -e

if ! getent passwd atg >/dev/null; then
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers atg-server.conf
	else
		useradd --system --user-group --home-dir /var/lib/atg --no-create-home --shell /usr/sbin/nologin atg
	fi
fi

# Packages cannot name a group that was not there when they were unpacked. Another owner was the administrator's wish.
if [ "$(stat -c %U:%G /etc/atg/server.yaml 2>/dev/null)" = root:root ]; then
	chgrp atg /etc/atg/server.yaml
	chmod 0640 /etc/atg/server.yaml
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart atg-server.service
fi
