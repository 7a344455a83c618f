// The runtime's objects as pages contain them, and what unpacks them: a file that pages load when they graft.

export { embeddedObjects } from './embedded-objects.ts';
export { bytesOfText } from './text-bytes.ts';
export { PACKED_FLAVOURS, unpackObjects } from './unpack-objects.ts';
