// What every view is given.

import type { LoadedPage } from './loaded-page.ts';
import type { PageState } from './page-state.ts';
import type { ShownProfile } from './shown-profile.ts';

export interface ViewProps {
  readonly page: LoadedPage;
  readonly shown: ShownProfile;
  readonly state: PageState;
  /** Changes what the reader has chosen. */
  choose(change: Partial<PageState>): void;
}
