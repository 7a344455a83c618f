// Makes the sandboxes of this thread visible to profiles of the other threads, without any code of the user. The
// entries of the package import this file for its effect.

import { joinThreads } from '../threads/index.ts';

joinThreads(async () => {
  const { ThreadAnswers } = await import('./thread-answers.ts');
  return new ThreadAnswers();
});
