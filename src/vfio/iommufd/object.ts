// The objects of an iommufd: one number space for all kinds, and who still uses which.
//
// Source: drivers/iommu/iommufd/main.c iommufd_object_alloc, iommufd_get_object, iommufd_object_remove

import { VfioError } from '../../uapi/index.ts';

/** `device`, `access`: a bound device, by its IOMMU or by its driver. */
export type ObjectKind = 'IOAS' | 'page table' | 'device' | 'access' | 'fault queue';

/** What every object has. */
export interface IommufdObject {
  readonly kind: ObjectKind;
  /** 1 and up. */
  readonly id: number;
  /** Whether others hold it: then it cannot be destroyed. */
  readonly isUsed: boolean;
  /** Gives up what it has. Called once, when nobody uses it. */
  destroy(): void;
}

/** The objects of one iommufd. */
export class ObjectTable<T extends IommufdObject> {
  private readonly objects = new Map<number, T>();

  /** The lowest number that is free. */
  get freeId(): number {
    let id = 1;
    while (this.objects.has(id)) id++;
    return id;
  }

  get isEmpty(): boolean {
    return this.objects.size === 0;
  }

  add(object: T): void {
    this.objects.set(object.id, object);
  }

  /** By ascending number. */
  get all(): T[] {
    return [...this.objects.values()].sort((a, b) => a.id - b.id);
  }

  find(id: number): T | undefined {
    return this.objects.get(id);
  }

  /** VfioError ENOENT when there is none with this number, or it is of another kind. */
  get<K extends T['kind']>(call: string, id: number, kind: K): Extract<T, { readonly kind: K }> {
    const object = this.objects.get(id);
    if (object === undefined) throw new VfioError('ENOENT', call, `there is no object ${id}`);
    if (object.kind !== kind) throw new VfioError('ENOENT', call, `object ${id} is of kind ${object.kind}; expected ${kind}`);
    return object as Extract<T, { readonly kind: K }>;
  }

  /** Takes one out, used or not. */
  remove(object: T): void {
    this.objects.delete(object.id);
    object.destroy();
  }

  /** VfioError ENOENT, EBUSY. */
  destroy(call: string, id: number): T {
    const object = this.objects.get(id);
    if (object === undefined) throw new VfioError('ENOENT', call, `there is no object ${id}`);
    if (object.isUsed) throw new VfioError('EBUSY', call, `object ${id}, of kind ${object.kind}, is in use`);
    this.remove(object);
    return object;
  }

  /** All of them, those first that nobody uses. */
  clear(): void {
    for (let left = this.all; left.length > 0; left = this.all) {
      const free = left.filter(({ isUsed }) => !isUsed);
      // What only each other use goes in any order.
      for (const object of free.length > 0 ? free : left) this.remove(object);
    }
  }
}
