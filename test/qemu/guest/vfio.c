// A card behind the guest's own vfio-pci: what a program in user space does to have it.
//
// Source: Linux Documentation/driver-api/vfio.rst, include/uapi/linux/vfio.h

#include "card.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COMMAND 0x04
#define MEMORY_AND_MASTER 0x0006

void vfio_open(struct vfio *vfio, const char *slot)
{
    char path[160], target[160];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", slot);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) bad_call("readlink of %s", path);
    target[length] = 0;
    snprintf(path, sizeof path, "/dev/vfio/%s", strrchr(target, '/') + 1);
    vfio->container = open("/dev/vfio/vfio", O_RDWR);
    vfio->group = open(path, O_RDWR);
    if (vfio->container < 0 || vfio->group < 0) bad_call("open of /dev/vfio/vfio and %s", path);
    if (ioctl(vfio->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) bad("the container has no type 1");
    struct vfio_group_status status = { .argsz = sizeof status };
    if (ioctl(vfio->group, VFIO_GROUP_GET_STATUS, &status) != 0) bad_call("VFIO_GROUP_GET_STATUS");
    if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) bad("the group of %s is not viable", slot);
    if (ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container) != 0) bad_call("VFIO_GROUP_SET_CONTAINER");
    if (ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0) bad_call("VFIO_SET_IOMMU");
    vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, slot);
    if (vfio->device < 0) bad_call("VFIO_GROUP_GET_DEVICE_FD %s", slot);
    uint16_t command;
    vfio_read(vfio, VFIO_PCI_CONFIG_REGION_INDEX, COMMAND, &command, 2);
    command |= MEMORY_AND_MASTER;
    vfio_write(vfio, VFIO_PCI_CONFIG_REGION_INDEX, COMMAND, &command, 2);
}

static uint64_t offset_of(const struct vfio *vfio, unsigned region, uint64_t offset, size_t count)
{
    struct vfio_region_info info = { .argsz = sizeof info, .index = region };
    if (ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &info) != 0) bad_call("VFIO_DEVICE_GET_REGION_INFO %u", region);
    if (offset + count > info.size) bad("%zu bytes at 0x%llx of region %u, which has 0x%llx", count, (unsigned long long)offset, region, (unsigned long long)info.size);
    return info.offset + offset;
}

void vfio_read(const struct vfio *vfio, unsigned region, uint64_t offset, void *bytes, size_t count)
{
    if (pread(vfio->device, bytes, count, (off_t)offset_of(vfio, region, offset, count)) != (ssize_t)count) bad_call("pread of region %u at 0x%llx", region, (unsigned long long)offset);
}

void vfio_write(const struct vfio *vfio, unsigned region, uint64_t offset, const void *bytes, size_t count)
{
    if (pwrite(vfio->device, bytes, count, (off_t)offset_of(vfio, region, offset, count)) != (ssize_t)count) bad_call("pwrite of region %u at 0x%llx", region, (unsigned long long)offset);
}

uint32_t vfio_read32(const struct vfio *vfio, unsigned region, uint64_t offset)
{
    uint32_t value;
    vfio_read(vfio, region, offset, &value, 4);
    return value;
}

void vfio_write32(const struct vfio *vfio, unsigned region, uint64_t offset, uint32_t value)
{
    vfio_write(vfio, region, offset, &value, 4);
}

void vfio_interrupts(const struct vfio *vfio, unsigned index, int *eventfds, unsigned count)
{
    size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int32_t);
    struct vfio_irq_set *set = calloc(1, size);
    if (set == NULL) bad("no memory");
    *set = (struct vfio_irq_set){ .argsz = (uint32_t)size, .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, .index = index, .start = 0, .count = count };
    for (unsigned i = 0; i < count; i++) {
        eventfds[i] = eventfd(0, 0);
        if (eventfds[i] < 0) bad_call("eventfd");
        ((int32_t *)set->data)[i] = eventfds[i];
    }
    if (ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, set) != 0) bad_call("VFIO_DEVICE_SET_IRQS of index %u, %u vectors", index, count);
    free(set);
}

void vfio_map(const struct vfio *vfio, void *address, uint64_t iova, uint64_t size)
{
    struct vfio_iommu_type1_dma_map map = { .argsz = sizeof map, .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE, .vaddr = (uintptr_t)address, .iova = iova, .size = size };
    if (ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map) != 0) bad_call("VFIO_IOMMU_MAP_DMA of 0x%llx bytes at 0x%llx", (unsigned long long)size, (unsigned long long)iova);
}

void vfio_unmap(const struct vfio *vfio, uint64_t iova, uint64_t size)
{
    struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof unmap, .iova = iova, .size = size };
    if (ioctl(vfio->container, VFIO_IOMMU_UNMAP_DMA, &unmap) != 0 || unmap.size != size) bad_call("VFIO_IOMMU_UNMAP_DMA of 0x%llx bytes at 0x%llx", (unsigned long long)size, (unsigned long long)iova);
}
