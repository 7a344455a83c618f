// libsodium-wrappers: hashes, keys and encryption with fixed nonces.

import { loaders } from './load.mjs';

export async function use(folder) {
  const sodium = loaders(folder).require('libsodium-wrappers');
  await sodium.ready;
  const key = sodium.crypto_generichash(32, 'a key');
  const nonce = sodium.crypto_generichash(24, 'a nonce');
  const sealed = sodium.crypto_secretbox_easy('a message', nonce, key);
  const opened = sodium.to_string(sodium.crypto_secretbox_open_easy(sealed, nonce, key));
  return { result: [sodium.to_hex(sealed), opened, sodium.to_hex(sodium.crypto_hash('text'))] };
}
