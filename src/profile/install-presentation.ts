// Lets profiles use the code by which people look at them. Entries of the package import this file for its effect.

import './install-tables.ts';
import { useWrittenForms } from './installed-presentation.ts';
import * as forms from './written-forms.ts';

useWrittenForms(forms);
