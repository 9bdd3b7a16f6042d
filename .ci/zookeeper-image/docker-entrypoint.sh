#!/bin/bash
# Makes zoo.cfg and myid from the environment, each only where there is none,
# and becomes the command.
set -e

# The server runs as the user zookeeper, who owns what it writes.
if [ "$1" = zkServer.sh ] && [ "$UID" = 0 ]; then
	chown -R zookeeper:zookeeper "$ZOO_CONF_DIR" "$ZOO_DATA_DIR" "$ZOO_DATA_LOG_DIR" "$ZOO_LOG_DIR"
	exec setpriv --reuid=zookeeper --regid=zookeeper --init-groups "$0" "$@"
fi

config() {
	printf '%s\n' \
		"dataDir=$ZOO_DATA_DIR" \
		"dataLogDir=$ZOO_DATA_LOG_DIR" \
		"tickTime=$ZOO_TICK_TIME" \
		"initLimit=$ZOO_INIT_LIMIT" \
		"syncLimit=$ZOO_SYNC_LIMIT" \
		"autopurge.snapRetainCount=$ZOO_AUTOPURGE_SNAPRETAINCOUNT" \
		"autopurge.purgeInterval=$ZOO_AUTOPURGE_PURGEINTERVAL" \
		"maxClientCnxns=$ZOO_MAX_CLIENT_CNXNS" \
		"standaloneEnabled=$ZOO_STANDALONE_ENABLED" \
		"admin.enableServer=$ZOO_ADMINSERVER_ENABLED"
	# Lists of words, which the shell is to split.
	printf '%s\n' ${ZOO_SERVERS:-server.1=localhost:2888:3888;2181}
	[ -z "$ZOO_4LW_COMMANDS_WHITELIST" ] || printf '%s\n' "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
	[ -z "$ZOO_CFG_EXTRA" ] || printf '%s\n' $ZOO_CFG_EXTRA
}

[ -f "$ZOO_CONF_DIR/zoo.cfg" ] || config >"$ZOO_CONF_DIR/zoo.cfg"
[ -f "$ZOO_DATA_DIR/myid" ] || printf '%s\n' "${ZOO_MY_ID:-1}" >"$ZOO_DATA_DIR/myid"

exec "$@"
