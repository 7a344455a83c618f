// The runtime's objects, packed (scripts/pack-objects.ts). The build of the package puts them here
// (scripts/embed-objects.ts); in the sources there are none.

/** The packed objects as text (`bytesOfText`). */
export const embeddedObjects: string = '';
