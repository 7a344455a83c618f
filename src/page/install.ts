// Lets HeapProfile.html() write pages. The entry of the package imports this file for its effect; the code that writes
// pages is loaded when the first one is written.

import { usePageWriter } from '../profile/index.ts';

usePageWriter(async (profile, options) => (await import('./index.ts')).profilePage(profile, options));
