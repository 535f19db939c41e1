// A vfio-user server that does the least that the benchmark's messages ask for: the baseline for ours. `vfio-user-server PATH`; clients one after the other, until it is killed.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 16, VERSION = 1, REGION_READ = 9, REGION_WRITE = 10, REPLY = 1, NO_REPLY = 0x10, ERROR = 0x20, INVALID = 22 };

struct message {
	uint16_t id, command;
	uint32_t size, flags, error;
	uint8_t payload[4096];
};

static const char version[] = "\0\0\2\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";
static uint32_t bar[1024] = { 0x010000ed };

/* Bytes of the reply; 0 for none. */
static uint32_t answer(struct message *m)
{
	uint32_t offset, count, size = HEADER;

	memcpy(&offset, m->payload, 4);
	memcpy(&count, m->payload + 12, 4);
	m->error = 0;
	if (m->command == VERSION) {
		memcpy(m->payload, version, sizeof version);
		size = HEADER + sizeof version;
	} else if (m->command == REGION_READ && count <= 8 && offset <= sizeof bar - count) {
		memcpy(m->payload + 16, (uint8_t *)bar + offset, count);
		size = HEADER + 16 + count;
	} else if (m->command == REGION_WRITE && count <= 8 && offset <= sizeof bar - count) {
		memcpy((uint8_t *)bar + offset, m->payload + 16, count);
		size = HEADER + 16;
	} else {
		m->error = INVALID;
	}
	if (m->flags & NO_REPLY)
		return 0;
	m->flags = m->error ? REPLY | ERROR : REPLY;
	m->size = size;
	return size;
}

static int receive(int fd, void *to, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes;) {
		ssize_t got = recv(fd, (uint8_t *)to + at, bytes - at, 0);
		if (got <= 0)
			return 0;
		at += (uint32_t)got;
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "usage: vfio-user-server PATH\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4)) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		static struct message m;
		int fd = accept(listener, NULL, NULL);
		uint32_t size;

		/* As libvfio-user does: the header, then the rest. */
		while (receive(fd, &m, HEADER) && m.size >= HEADER && m.size <= sizeof m && receive(fd, m.payload, m.size - HEADER))
			if ((size = answer(&m)) && send(fd, &m, size, MSG_NOSIGNAL) != (ssize_t)size)
				break;
		close(fd);
	}
}
