// mupdf: a page is written, read again and drawn.

import { loaders } from './load.mjs';

export async function use(folder) {
  const mupdf = await loaders(folder).load('mupdf/dist/mupdf.js');
  const written = new mupdf.PDFDocument();
  const font = written.addSimpleFont(new mupdf.Font('Times-Roman'));
  const fonts = written.addObject({ Font: { F1: font } });
  written.insertPage(-1, written.addPage([0, 0, 200, 200], 0, fonts, 'BT /F1 24 Tf 20 100 Td (Hello) Tj ET'));
  const bytes = written.saveToBuffer('compress').asUint8Array();
  const page = mupdf.Document.openDocument(bytes, 'application/pdf').loadPage(0);
  const picture = page.toPixmap(mupdf.Matrix.scale(2, 2), mupdf.ColorSpace.DeviceRGB, false);
  const result = [
    bytes.length,
    page.toStructuredText().asText(),
    Buffer.from(picture.asPNG()).toString('hex'),
  ];
  return { result, keep: written };
}
