import type { IConfiguration } from 'dependency-cruiser';

export declare const ROOMS: readonly { name: string; browser?: true; doors?: readonly string[] }[];
declare const rules: Required<Pick<IConfiguration, 'forbidden' | 'options'>>;
export default rules;
