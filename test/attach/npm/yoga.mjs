// yoga-layout: boxes in boxes. Its allocator is emmalloc.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { default: Yoga } = await loaders(folder).load('yoga-layout/dist/src/index.js');
  const root = Yoga.Node.create();
  root.setWidth(500);
  root.setHeight(300);
  root.setFlexDirection(Yoga.FLEX_DIRECTION_ROW);
  const boxes = Array.from({ length: 40 }, (_, at) => {
    const box = Yoga.Node.create();
    box.setFlexGrow(1 + (at % 3));
    box.setMargin(Yoga.EDGE_ALL, 1);
    root.insertChild(box, at);
    return box;
  });
  root.calculateLayout(500, 300, Yoga.DIRECTION_LTR);
  return { result: boxes.map((box) => box.getComputedLayout()), keep: root };
}
