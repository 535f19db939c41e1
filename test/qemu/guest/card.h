// What the parts of the guest's program share: saying how it went, registers of a card, waiting for interrupts.
#ifndef CARD_H
#define CARD_H

#include <stddef.h>
#include <stdint.h>

// Says that something is as it should be, in one line.
void good(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Says what is wrong and ends the program with status 1.
void bad(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
// The same with the system's reason behind it.
void bad_call(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

// Waits until a file can be read, and reads a counter of `size` bytes (4: uio, 8: eventfd). 0 when `ms` pass before.
uint64_t count_within(int fd, size_t size, int ms);

// Now, in microseconds since some moment.
uint64_t microseconds(void);

// CRC-32 of IEEE 802.3, low bit first, begun with ones and not inverted at the end.
uint32_t crc32_le(const uint8_t *bytes, size_t count);

// A card by its files in sysfs: `slot` is 0000:00:04.0.
struct card {
    const char *slot;
    int config;
    volatile uint8_t *bar; // BAR 0, mapped
    size_t bar_size;
};

void card_open(struct card *card, const char *slot);
void command_change(const struct card *card, uint16_t set, uint16_t clear);
// The physical address of a page that is locked in memory.
uint64_t physical(const void *address);

// A card behind the guest's own vfio-pci: group, container of type 1, device.
struct vfio {
    int container, group, device;
};

void vfio_open(struct vfio *vfio, const char *slot);
void vfio_read(const struct vfio *vfio, unsigned region, uint64_t offset, void *bytes, size_t count);
void vfio_write(const struct vfio *vfio, unsigned region, uint64_t offset, const void *bytes, size_t count);
uint32_t vfio_read32(const struct vfio *vfio, unsigned region, uint64_t offset);
void vfio_write32(const struct vfio *vfio, unsigned region, uint64_t offset, uint32_t value);
// Eventfds for the first `count` vectors of an interrupt index.
void vfio_interrupts(const struct vfio *vfio, unsigned index, int *eventfds, unsigned count);
void vfio_map(const struct vfio *vfio, void *address, uint64_t iova, uint64_t size);
void vfio_unmap(const struct vfio *vfio, uint64_t iova, uint64_t size);

void edu_by_sysfs(const char *slot, const char *uio);
void edu_by_vfio(const char *slot);
void endpoint_by_vfio(const char *slot);

#endif
