// Writes a model as profile.proto. Everything but the samples goes through pprof-format. The samples are more than
// nine tenths of the bytes and are written here: the packed location ids of a context end with those of its caller,
// so they are copied from the output instead of being encoded again. By the rules of protocol buffers, two
// serialised messages one after the other are one message with the fields of both.
//
// system_name stays empty when it equals the name, because pprof takes a function with two equal names for one that
// is not demangled yet, and then strips `<…>`, `[…]` and `(…)` from names such as `<anonymous>` or `Foo<T>.bar`.

import {
  Function as FunctionMessage,
  Label,
  Location,
  Mapping,
  Profile,
  StringTable,
  ValueType,
} from 'pprof-format';
import { atOnce, STEP, type Steps } from '../algorithms/steps.ts';
import {
  boundedStack,
  CUT,
  MAX_DEPTH,
  omittedCalls,
  quantity,
  type StackShape,
  shapeOf,
  TRUNCATED,
} from '../frames/index.ts';
import { platform } from '../platform/index.ts';
import { pseudoAddress } from './builder.ts';
import type { ProfileModel, SampleLabel, SampleType } from './model.ts';
import { int64, LABEL_TAG, varintLength, WireWriter } from './wire-writer.ts';

/** Bytes of a profile in the format of pprof. */
export function encodeProfile(model: ProfileModel, level: number): Uint8Array {
  const bytes = atOnce(encodeMessage(model));
  return level === 0 ? bytes : platform().gzip(bytes, level);
}

/** The profile before compression, in steps. */
export function* encodeMessage(model: ProfileModel): Steps<Uint8Array<ArrayBuffer>> {
  const strings = new StringTable();
  const valueType = ({ type, unit }: SampleType) =>
    new ValueType({ type: strings.dedup(type), unit: strings.dedup(unit) });

  // These entries are needed only when long stacks are cut.
  const cutFunction = model.functions.length + 1;
  const cutLocation = model.locations.length + 1;
  const shape = shapeOf(model.stacks);
  const omission = omissionOf(model, shape);

  const labels = yield* encodeLabels(model, strings);

  const head = new Profile({
    sampleType: model.sampleTypes.map(valueType),
    mapping: model.mappings.map(
      (mapping, i) =>
        new Mapping({
          id: i + 1,
          memoryStart: mapping.start,
          memoryLimit: mapping.limit,
          fileOffset: mapping.fileOffset,
          filename: strings.dedup(mapping.file),
          buildId: strings.dedup(mapping.buildId),
          hasFunctions: mapping.hasFunctions,
          hasFilenames: mapping.hasFilenames,
          hasLineNumbers: mapping.hasLineNumbers,
          hasInlineFrames: mapping.hasInlineFrames,
        }),
    ),
    location: model.locations.map(
      (location, i) =>
        new Location({
          id: i + 1,
          mappingId: location.mapping + 1,
          address: location.address,
          line: location.lines.map((line) => ({
            functionId: line.function + 1,
            line: int64(line.line),
            column: int64(line.column),
          })),
          isFolded: location.folded,
        }),
    ),
    function: model.functions.map(
      (fn, i) =>
        new FunctionMessage({
          id: i + 1,
          name: strings.dedup(fn.name),
          systemName: strings.dedup(fn.systemName),
          filename: strings.dedup(fn.file),
          startLine: int64(fn.startLine),
        }),
    ),
    dropFrames: strings.dedup(model.dropFrames),
    keepFrames: strings.dedup(model.keepFrames),
    timeNanos: model.timeNanos,
    durationNanos: model.durationNanos,
    ...(model.periodType === null ? {} : { periodType: valueType(model.periodType) }),
    period: int64(model.period),
    comment: [...model.comments, ...(omission === null ? [] : [omissionText(omission)])].map((comment) =>
      strings.dedup(comment),
    ),
    defaultSampleType: strings.dedup(model.defaultSampleType),
    stringTable: strings,
  });
  if (omission !== null) {
    head.function.push(new FunctionMessage({ id: cutFunction, name: strings.dedup(TRUNCATED) }));
    const mapping = model.mappings[0];
    head.location.push(
      new Location({
        id: cutLocation,
        mappingId: mapping === undefined ? 0 : 1,
        address: mapping === undefined ? 0 : pseudoAddress(mapping),
        line: [{ functionId: cutFunction }],
      }),
    );
  }

  const writer = new WireWriter(head.length + 64 * model.samples.count);
  writer.offset = head.encode(writer.buffer.subarray(0, head.length)).length;
  yield* writeSamples(model, shape, cutLocation, labels, writer);
  return writer.buffer.subarray(0, writer.offset);
}

/** How much is left out of the samples' stacks; null when nothing is left out. */
function omissionOf({ samples }: ProfileModel, { depth }: StackShape): Omission | null {
  let stacks = 0;
  let calls = 0;
  for (let i = 0; i < samples.count; i++) {
    const omitted = omittedCalls(depth[samples.stack[i]!]!);
    if (omitted > 0) stacks++;
    calls += omitted;
  }
  return stacks === 0 ? null : { stacks, calls };
}

function omissionText({ stacks, calls }: Omission): string {
  return `${quantity(stacks, 'stack')} of more than ${MAX_DEPTH} calls: ${TRUNCATED} stands for ${quantity(calls, 'call')}.`;
}

interface Omission {
  readonly stacks: number;
  readonly calls: number;
}

/** The label fields of each set of labels with their tags: set i has the bytes from `from[i]` to `from[i + 1]`. */
interface EncodedLabels {
  readonly bytes: Uint8Array;
  readonly from: Uint32Array;
}

/**
 * Encodes all sets of labels. A profile of many sandboxes has many sets, which differ in one or two numbers. So
 * texts are encoded once, and only numbers are encoded for each set.
 */
function* encodeLabels({ samples: { labelSets } }: ProfileModel, strings: StringTable): Steps<EncodedLabels> {
  const writer = new WireWriter(32 * labelSets.length);
  const from = new Uint32Array(labelSets.length + 1);
  const texts = new Map<SampleLabel, Uint8Array>();
  for (const [i, labels] of labelSets.entries()) {
    if (i % STEP === 0) yield;
    for (const label of labels) {
      if ('number' in label) {
        writer.numberLabel(
          strings.dedup(label.key),
          label.number,
          label.unit === '' ? 0 : strings.dedup(label.unit),
        );
        continue;
      }
      let encoded = texts.get(label);
      if (encoded === undefined) {
        encoded = new Label({ key: strings.dedup(label.key), str: strings.dedup(label.text) }).encode();
        texts.set(label, encoded);
      }
      writer.reserve(encoded.length + 12);
      writer.buffer[writer.offset++] = LABEL_TAG;
      writer.varint(encoded.length);
      writer.bytes(encoded);
    }
    from[i + 1] = writer.offset;
  }
  return { bytes: writer.buffer, from };
}

function* writeSamples(
  model: ProfileModel,
  shape: StackShape,
  cutLocation: number,
  labels: EncodedLabels,
  writer: WireWriter,
): Steps<void> {
  const { stacks, samples } = model;
  const { depth } = shape;
  const width = model.sampleTypes.length;
  // Where the packed ids of a stack were written (0: not yet), and how many bytes they take.
  const position = new Float64Array(stacks.count);
  const packedLength = new Uint32Array(stacks.count);
  for (let i = 1; i < stacks.count; i++) {
    if (depth[i]! > MAX_DEPTH) continue;
    packedLength[i] = packedLength[stacks.parent[i]!]! + varintLength(stacks.location[i]! + 1);
  }
  const scratch = new WireWriter(5 * MAX_DEPTH);
  for (let s = 0; s < samples.count; s++) {
    if (s % STEP === 0) yield;
    const stack = samples.stack[s]!;
    const long = depth[stack]! > MAX_DEPTH;
    if (long) {
      scratch.offset = 0;
      for (const at of boundedStack(stacks, shape, stack)) scratch.varint(at === CUT ? cutLocation : at + 1);
    }
    const stackLength = long ? scratch.offset : packedLength[stack]!;

    let valueLength = 0;
    const row = s * width;
    for (let c = 0; c < width; c++) valueLength += varintLength(samples.values[row + c]!);
    const labelFrom = labels.from[samples.labelSet[s]!]!;
    const labelEnd = labels.from[samples.labelSet[s]! + 1]!;
    const length =
      (stackLength > 0 ? 1 + varintLength(stackLength) + stackLength : 0) +
      (valueLength > 0 ? 1 + varintLength(valueLength) + valueLength : 0) +
      labelEnd -
      labelFrom;

    writer.reserve(length + 12);
    writer.buffer[writer.offset++] = 0x12; // field 2 of the profile: a sample
    writer.varint(length);
    if (stackLength > 0) {
      writer.buffer[writer.offset++] = 0x0a; // field 1: location ids, packed
      writer.varint(stackLength);
      if (long) writer.bytes(scratch.buffer.subarray(0, stackLength));
      for (let at = long ? 0 : stack; at !== 0; at = stacks.parent[at]!) {
        const known = position[at]!;
        if (known > 0) {
          writer.copy(known, packedLength[at]!);
          break;
        }
        position[at] = writer.offset;
        writer.varint(stacks.location[at]! + 1);
      }
    }
    if (valueLength > 0) {
      writer.buffer[writer.offset++] = 0x12; // field 2: values, packed
      writer.varint(valueLength);
      for (let c = 0; c < width; c++) writer.varint(samples.values[row + c]!);
    }
    if (labelEnd > labelFrom) writer.bytesOf(labels.bytes, labelFrom, labelEnd);
  }
}
