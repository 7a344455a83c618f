// The list of threads: which threads are on it, and when a thread leaves it whose end nobody saw.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Member, PATIENCE, ThreadHub } from '../../src/threads/hub.ts';
import { now, PROTOCOL } from '../../src/threads/messages.ts';

const MINUTES = 60_000;
let hub: ThreadHub;
let leave: () => void;
const heard: number[] = [];
beforeEach(() => {
  heard.length = 0;
  hub = new ThreadHub(() => Promise.reject(new Error('nobody asks')));
  leave = hub.follow(({ id }) => heard.push(id));
});
afterEach(() => leave());

const add = (id: number, parent: number | null = null, protocol = PROTOCOL): Member => {
  hub.heardOf({ id, name: 'parser', parent, version: '1.0.0' }, protocol);
  return hub.members.get(id)!;
};
const misses = (member: Member, times: number): void => {
  for (let i = 0; i < times; i++) hub.missedBy(member);
};

test('a thread is listed once, with the version of the protocol that this thread understands', () => {
  add(900_001);
  add(900_001);
  add(900_002, null, PROTOCOL + 1);
  add(900_001, null, PROTOCOL + 1);
  expect([...hub.members.values()].map(({ identity, protocol }) => [identity.id, protocol])).toEqual([
    [900_001, PROTOCOL],
    [900_002, PROTOCOL + 1],
  ]);
  add(900_002);
  expect(hub.members.get(900_002)!.protocol).toBe(PROTOCOL);
  expect(heard).toEqual([900_001, 900_002]);
  add(hub.self.id);
  expect(hub.members.has(hub.self.id)).toBe(false);
});

test('a silent thread stays, and is removed after ten minutes if nobody would see its end', () => {
  const silent = add(900_001);
  misses(silent, PATIENCE + 5);
  expect(hub.members.has(900_001)).toBe(true);
  silent.heard = now() - 11 * MINUTES;
  misses(silent, 1);
  expect(hub.members.has(900_001)).toBe(false);
  // The thread was only busy.
  add(900_001);
  expect(hub.members.get(900_001)!.missed).toBe(0);
});

test('a silent thread stays as long as the thread that started it', () => {
  add(900_001);
  const watched = add(900_002, 900_001);
  watched.heard = now() - 60 * MINUTES;
  misses(watched, PATIENCE + 5);
  expect(hub.members.has(900_002)).toBe(true);
});

test('a new message of a thread resets its missed requests', () => {
  const member = add(900_001);
  misses(member, PATIENCE);
  add(900_001);
  expect(member.missed).toBe(0);
});

test('only the latest hundred silent threads are kept', () => {
  for (let id = 900_000; id < 900_150; id++) misses(add(id), PATIENCE);
  expect([...hub.members.keys()]).toEqual(Array.from({ length: 100 }, (_, i) => 900_050 + i));
});
