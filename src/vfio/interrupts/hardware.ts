// What VFIO asks of the interrupts of the device that it drives. A device without them can still be told to fire by its user (loopback).

/** How a device's interrupts reach VFIO while a user has turned them on. */
export interface InterruptHardware {
  /** Whether the device asserts its pin now, whatever COMMAND says. */
  intxAsserted(): boolean;
  /** COMMAND.INTX_DISABLE of the register: what the user has, where configuration space has no shadow. */
  intxDisabled(): boolean;
  /**
   * From now on the pin is VFIO's: `changed` is called when the device asserts or drops it, or INTX_DISABLE changes.
   *
   * @returns what gives it back.
   */
  connectIntx(changed: () => void): () => void;
  /**
   * From now on messages are VFIO's: `deliver` is called for each vector below `count` that the device sends, masked by nobody.
   *
   * @returns what gives them back.
   */
  connectMessages(kind: 'msi' | 'msix', count: number, deliver: (vector: number) => void): () => void;
}
