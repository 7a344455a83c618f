import type { Program } from './programs.ts';
export async function realPrograms(_t: string): Promise<Program[]> {
  return [];
}
