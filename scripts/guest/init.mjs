// The first program of a guest, whichever emulator runs it: file systems, what is its own, and a shell on the serial line that is always there.

/** What a guest says on its serial line when its shell is about to start. */
export const READY = 'maplebar guest: ready';

/** The program. @param own - Lines between the file systems and the shell, each with its end. */
export const initOf = (own = '') => `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /tmp /mnt
mount -t devpts devpts /dev/pts
hostname maplebar
${own}echo '${READY}' > /dev/ttyS0
while :; do setsid sh -c 'exec sh -i < /dev/ttyS0 > /dev/ttyS0 2>&1'; sleep 1; done
`;
