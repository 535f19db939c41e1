// A card by its files in sysfs: configuration space, BAR 0 mapped; and where a page of this program is in memory.

#include "card.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND 0x04

static int open_of(const char *slot, const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/%s", slot, name);
    int fd = open(path, flags);
    if (fd < 0) bad_call("open of %s", path);
    return fd;
}

void card_open(struct card *card, const char *slot)
{
    card->slot = slot;
    card->config = open_of(slot, "config", O_RDWR);
    int fd = open_of(slot, "resource0", O_RDWR | O_SYNC);
    struct stat stat;
    if (fstat(fd, &stat) != 0) bad_call("size of BAR 0");
    card->bar_size = (size_t)stat.st_size;
    void *bar = mmap(NULL, card->bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bar == MAP_FAILED) bad_call("mmap of BAR 0, %zu bytes", card->bar_size);
    card->bar = bar;
    close(fd);
}

void command_change(const struct card *card, uint16_t set, uint16_t clear)
{
    uint16_t command;
    if (pread(card->config, &command, 2, COMMAND) != 2) bad_call("read of COMMAND");
    command = (uint16_t)((command | set) & ~clear);
    if (pwrite(card->config, &command, 2, COMMAND) != 2) bad_call("write of COMMAND");
}

uint64_t physical(const void *address)
{
    uint64_t page = (uintptr_t)address / 4096, entry;
    int fd = open("/proc/self/pagemap", O_RDONLY);
    if (fd < 0 || pread(fd, &entry, 8, (off_t)(page * 8)) != 8) bad_call("pagemap");
    close(fd);
    // Bit 63: present; bits 0 to 54: the number of the frame.
    if (!(entry >> 63) || (entry & ((1ull << 55) - 1)) == 0) bad("pagemap says 0x%llx of a page that is locked", (unsigned long long)entry);
    return (entry & ((1ull << 55) - 1)) * 4096 + (uintptr_t)address % 4096;
}
