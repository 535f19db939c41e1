// The face of vfio-user: devices served to other programs over a UNIX socket, and a client for such servers. Needs Node.

export { VfioUserClient } from './client/client.ts';
export type { ClientRegionInfo, RegionWrite, VfioUserClientOptions } from './client/client.ts';
export * from './codec/commands.ts';
export * from './codec/header.ts';
export * from './codec/layouts.ts';
export { MessageStream } from './codec/message-stream.ts';
export type { ReceivedMessage } from './codec/message-stream.ts';
export { decodePayload, encodePayload, headSize } from './codec/messages.ts';
export type { Direction, PayloadInput, PayloadOf } from './codec/messages.ts';
export { answeredCapabilities, decodeCapabilities, encodeCapabilities, withDefaults } from './codec/version.ts';
export type { Capabilities, Version } from './codec/version.ts';
export { VfioUserServer, serveVfioUser } from './server.ts';
export type { VfioUserServerOptions } from './server.ts';
export { SERVER_CAPABILITIES } from './session/negotiation.ts';
export type { Agreement } from './session/negotiation.ts';
export { ServedDevice, serveDevice } from './session/served-device.ts';
export type { DeviceMaker, ServedDeviceOptions } from './session/served-device.ts';
export { Session } from './session/session.ts';
export type { SessionOptions } from './session/session.ts';
export { hasKoffi } from './transport/koffi-calls.ts';
export { eventFd, sharedMemory } from './transport/koffi-memory.ts';
export type { SharedMemory } from './transport/koffi-memory.ts';
export { koffiTransport } from './transport/koffi-transport.ts';
export type { KoffiTransportOptions } from './transport/koffi-transport.ts';
export { netTransport } from './transport/net-transport.ts';
export type { Connection, ConnectionHandler, Listener, PassedFd, Transport, TransportAbilities } from './transport/transport.ts';
export { wallClock } from './wall-clock.ts';
