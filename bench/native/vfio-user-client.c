// The client that both servers are measured with. `vfio-user-client PATH`; then lines on standard input: `read N` or `write N`. Each is answered by nanoseconds per message.
//
//   read N    N reads of 4 bytes, the next one sent when the one before is answered
//   write N   N writes of 4 bytes that want no reply, and one read, which is answered when they are done
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { HEADER = 16, VERSION = 1, REGION_READ = 9, REGION_WRITE = 10, NO_REPLY = 0x10, ERROR = 0x20 };

struct message {
	uint16_t id, command;
	uint32_t size, flags, error;
	uint64_t offset;
	uint32_t region, count, data;
};

static int fd;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void transmit(const void *bytes, size_t size)
{
	if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		fail("send");
}

/* One whole message; its flags must say that nothing failed. */
static uint32_t receive(void)
{
	static uint8_t buffer[4096];
	uint32_t size = HEADER, flags;

	for (uint32_t at = 0; at < size;) {
		ssize_t got = recv(fd, buffer + at, at < HEADER ? sizeof buffer : size - at, 0);
		if (got <= 0)
			fail("recv");
		at += (uint32_t)got;
		if (at >= HEADER)
			memcpy(&size, buffer + 4, 4);
	}
	memcpy(&flags, buffer + 8, 4);
	if (flags & ERROR) {
		fprintf(stderr, "the server answered with an error\n");
		exit(1);
	}
	return size;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static const char json[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,\"pgsizes\":4096}}";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint8_t first[HEADER + sizeof json] = { 0 };
	struct message read = { .command = REGION_READ, .size = HEADER + 16, .count = 4 };
	struct message write = { .command = REGION_WRITE, .size = HEADER + 20, .flags = NO_REPLY, .offset = 4, .count = 4, .data = 0x5a5a5a5a };
	struct message enable = { .command = REGION_WRITE, .size = HEADER + 18, .offset = 4, .region = 7, .count = 2, .data = 2 };
	uint32_t size = sizeof first;
	char kind[16];
	long n;

	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "usage: vfio-user-client PATH\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address))
		fail(argv[1]);
	first[2] = VERSION;
	memcpy(first + 4, &size, 4);
	memcpy(first + HEADER, json, sizeof json);
	transmit(first, sizeof first);
	receive();
	/* Memory space on: a BAR answers nothing without. */
	enable.id = 1;
	transmit(&enable, enable.size);
	receive();
	puts("ready");
	fflush(stdout);
	while (scanf("%15s %ld", kind, &n) == 2) {
		double start = now();

		for (long i = 0; i < n; i++) {
			if (kind[0] == 'w') {
				write.id = (uint16_t)i;
				transmit(&write, write.size);
			} else {
				read.id = (uint16_t)i;
				transmit(&read, read.size);
				if (receive() != HEADER + 20)
					fail("a reply of another size");
			}
		}
		if (kind[0] == 'w') {
			transmit(&read, read.size);
			receive();
		}
		printf("%.1f\n", (now() - start) / (double)n);
		fflush(stdout);
	}
	return 0;
}
