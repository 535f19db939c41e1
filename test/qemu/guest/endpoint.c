// The endpoint test function behind the guest's vfio-pci: each of four MSI-X vectors by itself, and DMA that reaches what is mapped and nothing else.
//
//   04 command: 4 MSI-X, 8 read, 10 write, 20 copy     08 status     0c source     14 destination     1c size     20 checksum     24 interrupt type     28 interrupt number
//
// Source: Linux drivers/misc/pci_endpoint_test.c

#include "card.h"

#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>

enum { RAISE_MSIX = 0x4, READ = 0x8, WRITE = 0x10, COPY = 0x20 };
enum { READ_SUCCESS = 0x1, READ_FAIL = 0x2, WRITE_SUCCESS = 0x4, WRITE_FAIL = 0x8, COPY_SUCCESS = 0x10, IRQ_RAISED = 0x40, SOURCE_INVALID = 0x80, DESTINATION_INVALID = 0x100 };

#define VECTORS 4
#define ROUNDS 25
#define WAIT_MS 5000
#define PAGE 4096u
#define PAGES 4u
#define IOVA 0x200000ull
#define LARGE (2u << 20)
#define LARGE_IOVA 0x10000000ull

static struct vfio vfio;
static int eventfds[VECTORS];

// Has the function do something and interrupt by a vector, counted from 0; what its status says then.
static uint32_t run(uint32_t command, unsigned vector)
{
    vfio_write32(&vfio, 0, 0x24, 2);
    vfio_write32(&vfio, 0, 0x28, vector + 1);
    vfio_write32(&vfio, 0, 0x04, command);
    for (unsigned i = 0; i < VECTORS; i++) {
        uint64_t count = count_within(eventfds[(vector + i) % VECTORS], 8, i == 0 ? WAIT_MS : 0);
        if (count != (i == 0 ? 1 : 0)) bad("command %x, vector %u: vector %u counts %llu", command, vector, (vector + i) % VECTORS, (unsigned long long)count);
    }
    return vfio_read32(&vfio, 0, 0x08);
}

static void transfer(const char *what, uint32_t command, uint64_t source, uint64_t destination, uint32_t size, uint32_t expected)
{
    vfio_write32(&vfio, 0, 0x0c, (uint32_t)source);
    vfio_write32(&vfio, 0, 0x10, (uint32_t)(source >> 32));
    vfio_write32(&vfio, 0, 0x14, (uint32_t)destination);
    vfio_write32(&vfio, 0, 0x18, (uint32_t)(destination >> 32));
    vfio_write32(&vfio, 0, 0x1c, size);
    uint32_t status = run(command, 0);
    if (status != (expected | IRQ_RAISED)) bad("%s: status %x; expected %x", what, status, expected | IRQ_RAISED);
}

static void same(const char *what, const uint8_t *memory, size_t from, size_t to, uint8_t value)
{
    for (size_t i = from; i < to; i++)
        if (memory[i] != value) bad("%s: byte %zu is %02x; expected %02x", what, i, memory[i], value);
}

void endpoint_by_vfio(const char *slot)
{
    vfio_open(&vfio, slot);
    vfio_interrupts(&vfio, VFIO_PCI_MSIX_IRQ_INDEX, eventfds, VECTORS);
    for (unsigned i = 0; i < VECTORS * ROUNDS; i++) {
        uint32_t status = run(RAISE_MSIX, i % VECTORS);
        if (status != IRQ_RAISED) bad("MSI-X: status %x; expected %x", status, IRQ_RAISED);
    }
    good("MSI-X: %d vectors, %d messages each, every one at its own eventfd", VECTORS, ROUNDS);

    // One page more on each side, which is not mapped.
    uint8_t *all = mmap(NULL, (PAGES + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) bad_call("mmap");
    memset(all, 0xaa, (PAGES + 2) * PAGE);
    uint8_t *memory = all + PAGE;
    const uint64_t end = IOVA + PAGES * PAGE;
    vfio_map(&vfio, memory, IOVA, PAGES * PAGE);

    transfer("WRITE inside", WRITE, 0, IOVA + 100, 5000, WRITE_SUCCESS);
    uint32_t said = vfio_read32(&vfio, 0, 0x20), found = crc32_le(memory + 100, 5000);
    if (said != found) bad("WRITE: the checksum of the bytes in memory is %08x; the card says %08x", found, said);
    same("WRITE before its first byte", memory, 0, 100, 0xaa);
    same("WRITE behind its last byte", memory, 5100, PAGES * PAGE, 0xaa);
    transfer("READ inside", READ, IOVA + 100, 0, 5000, READ_SUCCESS);
    memory[100] ^= 1;
    transfer("READ of a byte that changed", READ, IOVA + 100, 0, 5000, READ_FAIL);
    memory[100] ^= 1;
    transfer("COPY inside", COPY, IOVA + 100, IOVA + 3 * PAGE, PAGE, COPY_SUCCESS);
    if (memcmp(memory + 100, memory + 3 * PAGE, PAGE) != 0) bad("COPY: the bytes differ");
    good("DMA inside the mapping: exact");

    memset(all, 0xaa, (PAGES + 2) * PAGE);
    transfer("WRITE behind the mapping", WRITE, 0, end, 64, WRITE_FAIL | DESTINATION_INVALID);
    transfer("WRITE before the mapping", WRITE, 0, IOVA - 64, 64, WRITE_FAIL | DESTINATION_INVALID);
    transfer("WRITE over the end of the mapping", WRITE, 0, end - 32, 64, WRITE_FAIL | DESTINATION_INVALID);
    transfer("READ behind the mapping", READ, end, 0, 64, READ_FAIL | SOURCE_INVALID);
    same("refused DMA", all, 0, (PAGES + 2) * PAGE, 0xaa);
    good("DMA outside the mapping: refused, nothing written");

    vfio_unmap(&vfio, IOVA, PAGES * PAGE);
    transfer("WRITE after the unmap", WRITE, 0, IOVA, 64, WRITE_FAIL | DESTINATION_INVALID);
    transfer("READ after the unmap", READ, IOVA, 0, 64, READ_FAIL | SOURCE_INVALID);
    same("DMA after the unmap", all, 0, (PAGES + 2) * PAGE, 0xaa);
    vfio_map(&vfio, memory, IOVA, PAGE);
    transfer("WRITE when it is mapped again", WRITE, 0, IOVA, PAGE, WRITE_SUCCESS);
    same("what is behind it", memory, PAGE, PAGES * PAGE, 0xaa);
    vfio_unmap(&vfio, IOVA, PAGE);
    good("DMA after the unmap: refused; mapped again: exact");

    // Pages that lie anywhere in the guest's memory: the server gets a mapping for each piece.
    uint8_t *large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (large == MAP_FAILED) bad_call("mmap of %u bytes", LARGE);
    vfio_map(&vfio, large, LARGE_IOVA, LARGE);
    transfer("WRITE of all that is mapped", WRITE, 0, LARGE_IOVA, LARGE, WRITE_SUCCESS);
    said = vfio_read32(&vfio, 0, 0x20), found = crc32_le(large, LARGE);
    if (said != found) bad("WRITE of %u bytes: the checksum of the bytes in memory is %08x; the card says %08x", LARGE, found, said);
    vfio_unmap(&vfio, LARGE_IOVA, LARGE);
    good("DMA of 2 MiB in one go: exact");
}
