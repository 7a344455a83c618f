// @dimforge/rapier2d-compat: bodies that fall on each other. It is compiled from Rust, with wasm-bindgen.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { default: rapier } = await loaders(folder).loadAgain('@dimforge/rapier2d-compat/dist/rapier.mjs');
  await rapier.init();
  const world = new rapier.World({ x: 0, y: -9.81 });
  world.createCollider(rapier.ColliderDesc.cuboid(50, 0.1));
  const bodies = Array.from({ length: 60 }, (_, at) => {
    const body = world.createRigidBody(rapier.RigidBodyDesc.dynamic().setTranslation((at % 7) / 3, 1 + at));
    world.createCollider(rapier.ColliderDesc.ball(0.4), body);
    return body;
  });
  for (let step = 0; step < 100; step += 1) world.step();
  return { result: bodies.map((body) => [body.translation(), body.rotation()]), keep: world };
}
