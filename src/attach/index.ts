// Door of `attach`: sandboxes around modules that other JavaScript runs.

export { type Attach, type Attached, attach, type CreateModule } from './attach.ts';
export type { AttachOptions } from './attach-options.ts';
export { prepareGrafting } from './grafting.ts';
export { type Tracking, trackModules, trackModulesNow } from './track-modules.ts';
