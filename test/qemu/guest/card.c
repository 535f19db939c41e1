// The guest's own program: drives cards as a user does, and says how it went. One line for each thing that is as it should be; the first that is not ends it with status 1.
//
//   card edu SLOT UIO          registers by sysfs, INTx by /dev/uioN, DMA by physical addresses
//   card edu-vfio SLOT         MSI, through the guest's own vfio-pci
//   card endpoint-vfio SLOT    MSI-X, and DMA inside and outside of what is mapped
//   card word SLOT OFFSET      a word of BAR 0, in hexadecimal
//   card set SLOT OFFSET VALUE writes one

#include "card.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void good(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void wrong(const char *format, va_list args)
{
    printf("wrong: ");
    vprintf(format, args);
}

void bad(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wrong(format, args);
    va_end(args);
    putchar('\n');
    exit(1);
}

void bad_call(const char *format, ...)
{
    const char *reason = strerror(errno);
    va_list args;
    va_start(args, format);
    wrong(format, args);
    va_end(args);
    printf(": %s\n", reason);
    exit(1);
}

uint64_t count_within(int fd, size_t size, int ms)
{
    struct pollfd wanted = { .fd = fd, .events = POLLIN };
    uint64_t count = 0;
    int found = poll(&wanted, 1, ms);
    if (found < 0) bad_call("poll");
    if (found == 0) return 0;
    if (read(fd, &count, size) != (ssize_t)size) bad_call("read of a counter of %zu bytes", size);
    return count;
}

uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint32_t crc32_le(const uint8_t *bytes, size_t count)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? 0xedb88320u : 0);
    }
    return crc;
}

static volatile uint32_t *word_at(const char *slot, const char *text)
{
    struct card card;
    card_open(&card, slot);
    size_t offset = strtoul(text, NULL, 0);
    if (offset % 4 != 0 || offset >= card.bar_size) bad("offset %zu; expected a multiple of 4 below %zu", offset, card.bar_size);
    return (volatile uint32_t *)(card.bar + offset);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "edu") == 0) edu_by_sysfs(argv[2], argv[3]);
    else if (argc == 3 && strcmp(argv[1], "edu-vfio") == 0) edu_by_vfio(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "endpoint-vfio") == 0) endpoint_by_vfio(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "word") == 0) good("%08x", *word_at(argv[2], argv[3]));
    else if (argc == 5 && strcmp(argv[1], "set") == 0) *word_at(argv[2], argv[3]) = (uint32_t)strtoul(argv[4], NULL, 0);
    else {
        fprintf(stderr, "usage: card edu SLOT UIO | edu-vfio SLOT | endpoint-vfio SLOT | word SLOT OFFSET | set SLOT OFFSET VALUE\n");
        return 2;
    }
    return 0;
}
