#!/bin/bash
# The one command of the distribution's script that the image needs.
if [ "$1" != start-foreground ]; then
	echo "zkServer.sh: this image knows start-foreground only, not ${1:-nothing}" >&2
	exit 2
fi
# JVMFLAGS and SERVER_JVMFLAGS are words, which the shell is to split.
exec java "-Xmx${ZK_SERVER_HEAP:-1000}m" \
	-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
	-cp '/zookeeper/lib/*' $SERVER_JVMFLAGS $JVMFLAGS \
	org.apache.zookeeper.server.quorum.QuorumPeerMain "${ZOOCFGDIR:-/conf}/zoo.cfg"
