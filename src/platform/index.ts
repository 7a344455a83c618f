// Door of the platform: one holder, which the package's entries fill. Importing a room installs nothing.

export type {
  DescriptorNumbers,
  FileSystem,
  LiveFileSystem,
  Preopen,
  WasiFunctions,
} from './files.ts';
export { platform, usePlatform, usePlatformByDefault } from './holder.ts';
export type {
  CallScopes,
  LinearExpression,
  MoreWasi,
  Platform,
  RuntimeFlavour,
  Scripts,
  SourcePosition,
} from './platform.ts';
export { TooLongError } from './platform.ts';
export { linearExpression, type TextMatcher, textMatcher } from './text-matcher.ts';
