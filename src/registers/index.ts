// The face of this room: register maps as data, and what is made from them.

export { constant, copies, clears, lock, na, pulse, rc, reserved, ro, rs, rw, rw1, sets, tag, w0c, w0s, w0t, w1, w1c, w1s, w1t, wclr, wo, wset } from './field.ts';
export type { CounterSpec, Effect, EnumSpec, FieldConstructor, FieldOf, FieldOptions, FieldSpec, FieldValue, LockSpec, OptionsIn, ReservedField, ReservedOptions, ResetOrOptions } from './field.ts';
export { isOnce, isReadable, isWritable } from './words.ts';
export type { OnRead, OnReadWord, OnWrite, OnWriteWord, Software, SoftwareWord } from './words.ts';
export { irq } from './description.ts';
export type { AccessBytes, BankOptions, BankParts, BlockSpec, FifoSpec, InterruptSpec, PortSpec, RegisterBits, RegisterSpec, RegisterSpecs, Tear } from './description.ts';
export type { ActionModel, BankModel, BitsRef, FieldModel, FifoModel, InterruptModel, InterruptPair, LockModel, PortModel, RegisterModel } from './model.ts';
export { registerAt, registerMap, registerNamed, registerText } from './register-map.ts';
export type { RegisterMap } from './register-map.ts';
export { flatHooks } from './hooks.ts';
export type { AccessEvent, AnyFieldHook, DataEvent, EntryHooks, FieldEvent, FieldHooks, FlatHooks, HooksOf, ReadEvent, RegisterHooks, WriteEvent } from './hooks.ts';
export { registersOf } from './accessors.ts';
export type { AccessorOfField, ConstantAccessor, EntryAccessor, FieldAccessor, FieldNumber, FieldsOf, NameOf, RegisterAccessor, RegistersOf, RegisterStore, Times } from './accessors.ts';
export type { ValueOf, WideField, WideLsb } from './values.ts';
export { RegisterBank, registerBank } from './register-bank.ts';
export type { DoorbellEvent, Fifo, RegisterBankOptions } from './register-bank.ts';
export { compileBank, namesOf } from './compile.ts';
export type { BankNames } from './compile.ts';
export { cHeaderOf } from './generate/c-header.ts';
export { markdownOf } from './generate/markdown.ts';
export { accessText, entriesOf, rangeText } from './generate/text.ts';
export { svdOf } from './generate/svd.ts';
export type { SvdOptions } from './generate/svd.ts';
export { svgOf } from './generate/svg.ts';
export { batteryOf } from './battery.ts';
export type { BatteryCheck, BatteryTarget } from './battery.ts';
export { mapFromJson, mapToJson } from './json.ts';
