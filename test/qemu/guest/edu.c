// The edu device: who it is, its arithmetic, its interrupt by pin and by message, its DMA.
//
//   00 identification   04 liveness   08 factorial   20 status   24 interrupt status   60 raise   64 acknowledge
//   80 source   88 destination   90 count   98 command: 1 start, 2 to memory, 4 interrupt 0x100 at the end       its memory: 0x40000
//
// Source: QEMU docs/specs/edu.rst

#include "card.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MASTER 0x0004
#define INTX_DISABLE 0x0400
#define OWN_MEMORY 0x40000ull
#define ROUNDS 200
#define POSTED 5000
#define WAIT_MS 5000

static volatile uint32_t *word(const struct card *card, size_t offset)
{
    return (volatile uint32_t *)(card->bar + offset);
}

static volatile uint64_t *long_word(const struct card *card, size_t offset)
{
    return (volatile uint64_t *)(card->bar + offset);
}

static void wait_clear(const struct card *card, size_t offset, uint32_t bit, const char *what)
{
    uint64_t end = microseconds() + WAIT_MS * 1000;
    while (*word(card, offset) & bit) {
        if (microseconds() > end) bad("%s: bit %x of %zx is still set after %d ms", what, bit, offset, WAIT_MS);
        usleep(2000);
    }
}

static void registers(const struct card *card)
{
    static const uint32_t values[] = { 0, 1, 0x12345678, 0x80000000, 0xffffffff };
    uint32_t who = *word(card, 0x00);
    if (who != 0x010000ed) bad("identification %08x; expected 010000ed", who);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        *word(card, 0x04) = values[i];
        uint32_t inverted = *word(card, 0x04);
        if (inverted != ~values[i]) bad("liveness of %08x is %08x; expected %08x", values[i], inverted, ~values[i]);
    }
    uint32_t product = 1;
    for (uint32_t n = 1; n <= 14; n++) {
        product *= n;
        *word(card, 0x08) = n;
        wait_clear(card, 0x20, 1, "factorial");
        uint32_t found = *word(card, 0x08);
        if (found != product) bad("factorial of %u is %u; expected %u", n, found, product);
    }
    good("registers: identification, liveness, 14 factorials");
}

// Writes that nobody waits for: what is read behind them is that of the last one.
static void posted(const struct card *card)
{
    uint64_t start = microseconds();
    for (uint32_t i = 1; i <= POSTED; i++) *word(card, 0x04) = i;
    uint64_t written = microseconds();
    uint32_t last = *word(card, 0x04);
    if (last != ~(uint32_t)POSTED) bad("%d writes: liveness is %08x; expected %08x", POSTED, last, ~(uint32_t)POSTED);
    good("%d posted writes in %llu us, %llu us until they were done", POSTED, (unsigned long long)(written - start), (unsigned long long)(microseconds() - start));
}

// uio_pci_generic masks the pin when it has interrupted; whoever has served the card unmasks it.
static void pin(const struct card *card, const char *uio)
{
    int fd = open(uio, O_RDONLY);
    if (fd < 0) bad_call("open of %s", uio);
    uint64_t before = 0, longest = 0;
    command_change(card, 0, INTX_DISABLE);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        uint64_t start = microseconds();
        *word(card, 0x60) = i;
        uint64_t count = count_within(fd, 4, WAIT_MS);
        uint64_t took = microseconds() - start;
        if (took > longest) longest = took;
        if (count == 0) bad("INTx %u of %d did not come within %d ms", i, ROUNDS, WAIT_MS);
        if (before != 0 && count != before + 1) bad("INTx %u: the counter went from %llu to %llu", i, (unsigned long long)before, (unsigned long long)count);
        before = count;
        uint32_t raised = *word(card, 0x24);
        if (raised != i) bad("INTx %u: raised is %x", i, raised);
        *word(card, 0x64) = raised;
        command_change(card, 0, INTX_DISABLE);
    }
    if (count_within(fd, 4, 20) != 0) bad("an INTx came that nobody raised");
    good("INTx: %d raised, %d counted, the slowest after %llu us", ROUNDS, ROUNDS, (unsigned long long)longest);
    // A level that is still high when the pin is unmasked interrupts again.
    *word(card, 0x60) = 1;
    if (count_within(fd, 4, WAIT_MS) != before + 1) bad("INTx that stays high did not come at first");
    command_change(card, 0, INTX_DISABLE);
    if (count_within(fd, 4, WAIT_MS) != before + 2) bad("INTx that stays high did not come again");
    *word(card, 0x64) = 1;
    command_change(card, 0, INTX_DISABLE);
    good("INTx: a level that stays high comes again when it is unmasked");
    close(fd);
}

static void transfer(const struct card *card, uint64_t source, uint64_t destination, uint64_t count, uint32_t command)
{
    *long_word(card, 0x80) = source;
    *long_word(card, 0x88) = destination;
    *long_word(card, 0x90) = count;
    *word(card, 0x98) = command;
    wait_clear(card, 0x98, 1, "DMA");
}

static void fill(uint8_t *bytes, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
}

// Into the card's memory and back to another page, whose other bytes stay.
static void dma(const struct card *card)
{
    static const uint32_t counts[] = { 4096, 1, 1000 };
    uint8_t *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (pages == MAP_FAILED) bad_call("mmap of locked pages");
    uint8_t *from = pages, *to = pages + 8192;
    command_change(card, MASTER, 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint32_t count = counts[i], at = count == 4096 ? 0 : 37;
        fill(from, 4096, i + 1);
        memset(to, 0xaa, 4096);
        transfer(card, physical(from) + at, OWN_MEMORY, count, 1);
        transfer(card, OWN_MEMORY, physical(to) + at, count, 1 | 2);
        if (memcmp(from + at, to + at, count) != 0) bad("DMA of %u bytes: they came back changed", count);
        for (uint32_t j = 0; j < 4096; j++)
            if ((j < at || j >= at + count) && to[j] != 0xaa) bad("DMA of %u bytes at %u wrote byte %u of the page", count, at, j);
    }
    command_change(card, 0, MASTER);
    good("DMA: 4096, 1 and 1000 bytes there and back");
}

void edu_by_sysfs(const char *slot, const char *uio)
{
    struct card card;
    card_open(&card, slot);
    registers(&card);
    posted(&card);
    if (strcmp(uio, "-") != 0) pin(&card, uio);
    dma(&card);
}

void edu_by_vfio(const char *slot)
{
    struct vfio vfio;
    int message;
    vfio_open(&vfio, slot);
    vfio_interrupts(&vfio, VFIO_PCI_MSI_IRQ_INDEX, &message, 1);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        vfio_write32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x60, i);
        uint64_t count = count_within(message, 8, WAIT_MS);
        if (count != 1) bad("MSI %u of %d: %llu came within %d ms", i, ROUNDS, (unsigned long long)count, WAIT_MS);
        uint32_t raised = vfio_read32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x24);
        if (raised != i) bad("MSI %u: raised is %x", i, raised);
        vfio_write32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x64, raised);
    }
    if (count_within(message, 8, 20) != 0) bad("an MSI came that nobody raised");
    good("MSI: %d raised, %d counted", ROUNDS, ROUNDS);

    uint8_t *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) bad_call("mmap");
    const uint64_t iova = 0x100000;
    fill(memory, 4096, 7);
    vfio_map(&vfio, memory, iova, 8192);
    for (unsigned back = 0; back < 2; back++) {
        uint64_t words[3] = { back ? OWN_MEMORY : iova, back ? iova + 4096 : OWN_MEMORY, 4096 };
        for (unsigned i = 0; i < 3; i++) vfio_write(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x80 + 8 * i, &words[i], 8);
        vfio_write32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x98, 1 | 4 | (back ? 2 : 0));
        if (count_within(message, 8, WAIT_MS) != 1) bad("DMA: no MSI at its end within %d ms", WAIT_MS);
        uint32_t raised = vfio_read32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x24);
        if (raised != 0x100) bad("DMA: raised is %x; expected 100", raised);
        vfio_write32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x64, raised);
    }
    if (memcmp(memory, memory + 4096, 4096) != 0) bad("DMA of 4096 bytes through the IOMMU: they came back changed");
    vfio_unmap(&vfio, iova, 8192);
    good("DMA through the IOMMU: 4096 bytes there and back, an MSI at the end of each");
}
