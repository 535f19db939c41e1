// One feature of VFIO_DEVICE_FEATURE by bytes: the envelope, and what a probe tells. Behaviour text, sections 3.1 and 3.2.
//
//   argsz flags | payload          PROBE          0: it is there         ENOTTY: it is not
//   0     4     8                  PROBE | GET    0: it can be read      EINVAL: it cannot
//                                  PROBE | SET    0: it can be written   EINVAL: it cannot

import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_PROBE, VFIO_DEVICE_FEATURE_SET, VfioError, vfio_device_feature } from '../uapi/index.ts';
import { ask } from './calls.ts';
import type { VfioCalls } from './calls.ts';

/** What a probe tells of a feature that is there. */
export interface FeatureSupport {
  /** GET is supported. */
  readonly get: boolean;
  /** SET is supported. */
  readonly set: boolean;
}

/** A feature by its number, with payloads of bytes. */
export class FeatureClient {
  /** vfio_device_feature.flags, bits 0 to 15. */
  readonly index: number;
  /** `MIGRATION`; a number where it has no name. */
  readonly name: string;
  /** The device file. */
  protected readonly fd: number;
  private readonly calls: VfioCalls;

  /** @internal */
  constructor(calls: VfioCalls, fd: number, index: number, name = String(index)) {
    if (!Number.isSafeInteger(index) || index < 0 || index > 0xffff) throw new RangeError(`feature: the number is ${String(index)}; expected 0 to 65535`);
    this.calls = calls;
    this.fd = fd;
    this.index = index;
    this.name = name;
  }

  /**
   * Makes the request; the payload is changed in place. The result: 0, or an fd where the feature makes one.
   *
   * @param methods - VFIO_DEVICE_FEATURE_GET, SET, PROBE.
   * @throws VfioError with `VFIO_DEVICE_FEATURE` and the feature's name.
   */
  request(methods: number, payload: Uint8Array = new Uint8Array(0)): number {
    const bytes = vfio_device_feature.encode({ argsz: vfio_device_feature.size + payload.length, flags: (methods | this.index) >>> 0, data: payload });
    try {
      return ask(`VFIO_DEVICE_FEATURE ${this.name}`, () => this.calls.ioctl(this.fd, VFIO_DEVICE_FEATURE, bytes));
    } finally {
      payload.set(bytes.subarray(vfio_device_feature.size));
    }
  }

  private supports(method: number): boolean {
    try {
      this.request(VFIO_DEVICE_FEATURE_PROBE | method);
      return true;
    } catch (error) {
      if (error instanceof VfioError && error.code === 'EINVAL') return false;
      throw error;
    }
  }

  /**
   * Whether the device has the feature, and what can be done with it. Nothing is read or changed.
   *
   * @returns undefined when it does not have it: ENOTTY.
   * @example
   * ```ts
   * client.feature.migDeviceState.probe(); // { get: true, set: true }
   * client.feature.busMaster.probe();      // undefined: this is no CDX device
   * ```
   */
  probe(): FeatureSupport | undefined {
    try {
      this.request(VFIO_DEVICE_FEATURE_PROBE);
    } catch (error) {
      if (error instanceof VfioError && error.code === 'ENOTTY') return undefined;
      throw error;
    }
    return { get: this.supports(VFIO_DEVICE_FEATURE_GET), set: this.supports(VFIO_DEVICE_FEATURE_SET) };
  }

  /** GET: what the payload of `bytes` bytes is afterwards. `before` is what it holds when the call is made. */
  getBytes(bytes: number, before?: Uint8Array): Uint8Array {
    const payload = new Uint8Array(bytes);
    if (before !== undefined) payload.set(before);
    this.request(VFIO_DEVICE_FEATURE_GET, payload);
    return payload;
  }

  /** SET: what the payload is afterwards. */
  setBytes(payload: Uint8Array = new Uint8Array(0)): Uint8Array {
    const after = payload.slice();
    this.request(VFIO_DEVICE_FEATURE_SET, after);
    return after;
  }
}
