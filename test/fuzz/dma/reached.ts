// What a run of some length must have reached, whatever its seed: calls that have succeeded, and errnos that have been answered. A hole in the generator shows here.

/** Each has succeeded at least once. */
export const SUCCESSES: readonly string[] = [
  'VFIO_GET_API_VERSION', 'VFIO_CHECK_EXTENSION', 'VFIO_SET_IOMMU', 'VFIO_IOMMU_GET_INFO', 'VFIO_IOMMU_MAP_DMA', 'VFIO_IOMMU_UNMAP_DMA', 'VFIO_IOMMU_DIRTY_PAGES',
  'IOMMU_DESTROY', 'IOMMU_IOAS_ALLOC', 'IOMMU_IOAS_ALLOW_IOVAS', 'IOMMU_IOAS_COPY', 'IOMMU_IOAS_IOVA_RANGES', 'IOMMU_IOAS_MAP', 'IOMMU_IOAS_UNMAP', 'IOMMU_OPTION', 'IOMMU_VFIO_IOAS',
  'IOMMU_HWPT_ALLOC', 'IOMMU_HWPT_SET_DIRTY_TRACKING', 'IOMMU_HWPT_GET_DIRTY_BITMAP',
  'join', 'leave', 'attach', 'detach', 'mmap', 'munmap', 'store', 'DMA read', 'DMA write', 'DMA read with a call meanwhile', 'DMA write with a call meanwhile',
];

/** Each has been answered at least once. */
export const FAILURES: Readonly<Record<string, readonly string[]>> = {
  VFIO_SET_IOMMU: ['EINVAL', 'ENODEV'],
  VFIO_IOMMU_GET_INFO: ['EFAULT', 'EINVAL'],
  VFIO_IOMMU_MAP_DMA: ['EEXIST', 'EFAULT', 'EINVAL', 'ENOENT', 'ENOMEM', 'ENOSPC'],
  VFIO_IOMMU_UNMAP_DMA: ['EBUSY', 'EFAULT', 'EINVAL'],
  VFIO_IOMMU_DIRTY_PAGES: ['EACCES', 'EFAULT', 'EINVAL'],
  VFIO_IOMMU_ENABLE: ['ENOTTY'],
  IOMMU_DESTROY: ['EBUSY', 'ENOENT'],
  IOMMU_IOAS_ALLOC: ['EOPNOTSUPP'],
  IOMMU_IOAS_ALLOW_IOVAS: ['EADDRINUSE', 'EFAULT', 'EINVAL', 'ENOENT'],
  IOMMU_IOAS_COPY: ['EEXIST', 'EINVAL', 'ENOENT', 'EOVERFLOW', 'EPERM'],
  IOMMU_IOAS_IOVA_RANGES: ['EFAULT', 'EMSGSIZE', 'ENOENT'],
  IOMMU_IOAS_MAP: ['E2BIG', 'EEXIST', 'EFAULT', 'EINVAL', 'ENOENT', 'ENOSPC', 'EOPNOTSUPP', 'EOVERFLOW'],
  IOMMU_IOAS_UNMAP: ['EINVAL', 'ENOENT', 'EOVERFLOW'],
  IOMMU_OPTION: ['EBUSY', 'EOPNOTSUPP'],
  IOMMU_VFIO_IOAS: ['ENODEV', 'EOPNOTSUPP'],
  IOMMU_HWPT_ALLOC: ['EADDRINUSE', 'EFAULT'],
  IOMMU_HWPT_SET_DIRTY_TRACKING: ['ENOENT', 'EOPNOTSUPP'],
  join: ['EFAULT', 'EINVAL', 'EBUSY'],
  leave: ['EBUSY', 'EINVAL'],
  attach: ['EADDRINUSE', 'EFAULT', 'EINVAL', 'ENOENT'],
  'DMA read': ['blocked', 'unmapped', 'permission'],
  'DMA write': ['blocked', 'unmapped', 'permission'],
  'DMA read with a call meanwhile': ['blocked', 'unmapped', 'permission'],
  'DMA write with a call meanwhile': ['blocked', 'unmapped', 'permission'],
};
