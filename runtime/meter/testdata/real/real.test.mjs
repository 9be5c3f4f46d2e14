// The known outputs that the Go test compares with: Node.js gets the same from
// the modules, and where they can be had without them, they are computed again.
import assert from "node:assert/strict";
import { createECDH, createHash, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { cases, run } from "./calls.mjs";

for (const c of cases) {
  test(`${c.name}: Node.js gets what cases.json has`, () => assert.deepEqual(run(c), c.want));
}

const want = (name) => cases.find((c) => c.name === name).want;

// stored returns the texts that a case stores.
const stored = (name, as = "text") => cases.find((c) => c.name === name).steps.flatMap((s) => s[as] ?? []);

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

test("sha3: as by node:crypto", () => {
  const hash = createHash("sha3-256").update(stored("sha3")[0].repeat(500));
  assert.deepEqual(want("sha3"), [hash.digest("hex")]);
});

test("as-sha256: as by node:crypto", () => {
  assert.deepEqual(want("as-sha256"), stored("as-sha256").map(sha256));
});

test("secp256k1: node:crypto derives the same key and accepts the signature", () => {
  const [signature, , key] = want("secp256k1");
  const ecdh = createECDH("secp256k1");
  ecdh.setPrivateKey(stored("secp256k1", "hex")[0], "hex");
  assert.equal(key, ecdh.getPublicKey("hex", "compressed"));
  const point = ecdh.getPublicKey();
  const coordinate = (start) => point.subarray(start, start + 32).toString("base64url");
  const jwk = { kty: "EC", crv: "secp256k1", x: coordinate(1), y: coordinate(33) };
  const message = Buffer.from("Satoshi Nakamoto");
  assert.equal(stored("secp256k1", "hex")[1], sha256(message));
  const publicKey = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  assert.ok(verify("sha256", message, publicKey, Buffer.from(signature, "hex")));
});

test("brotli: node:zlib decompresses it", () => {
  const [compressed, text] = want("brotli");
  assert.equal(brotliDecompressSync(Buffer.from(compressed, "hex")).toString(), text);
  assert.equal(text, stored("brotli")[0]);
});

test("lodepng: the pixels come back", () => {
  assert.equal(want("lodepng").at(-1), stored("lodepng", "hex")[0]);
});

test("quickjs: as by V8", () => {
  assert.deepEqual(want("quickjs"), [(0, eval)(stored("quickjs")[0])]);
});

test("oniguruma: as by V8's regular expressions, over bytes", () => {
  const bytes = Buffer.from(stored("oniguruma")[1]).toString("latin1");
  const { indices } = /(\w+)@((?:\w+\.)+\w{2,})/di.exec(bytes);
  const words = Int32Array.of(0, indices.length, ...indices.flat());
  assert.deepEqual(want("oniguruma"), [Buffer.from(words.buffer).toString("hex")]);
});

test("es-module-lexer: the specifiers are where it says", () => {
  const [source] = stored("es-module-lexer", "utf16");
  const [, , start, end, , , dynamicStart, dynamicEnd] = want("es-module-lexer");
  assert.equal(source.slice(start, end), "./first.js");
  assert.equal(source.slice(dynamicStart, dynamicEnd), "'./b'");
});

test("dprint-json: the same JSON", () => {
  const value = (text) => JSON.parse(text.replace(/\/\*.*?\*\/|\/\/.*/g, ""));
  assert.deepEqual(value(want("dprint-json")[1]), value(stored("dprint-json").at(-1)));
});

test("box2d: falls by the sum of its steps, and comes to rest on the ground", () => {
  const heights = want("box2d").filter((_, i) => i % 2 === 1).map(Number);
  assert.equal(heights[0], 5 - 10 * (1 / 64) ** 2 * ((20 * 21) / 2));
  assert.ok(Math.abs(heights.at(-1) - 0.75) < 0.01); // Box2D keeps polygons a little apart
});

test("highs: the best corner", () => {
  const [x, y] = want("highs").slice(-2).map(Number);
  assert.equal(110 * x + 30 * y, 4000);
  assert.equal(x + y, 75);
});

test("xxhash: published values", () => {
  const [short, long] = want("xxhash");
  assert.equal(BigInt.asUintN(32, BigInt(short)).toString(16), "e2293b2f");
  assert.equal(BigInt.asUintN(64, BigInt(long)).toString(16), "fbcea83c8a378bf1");
});

test("uxn: the number of primes below 1000", () => {
  const prime = (n) => n > 1 && !Array.from({ length: n - 2 }, (_, i) => i + 2).some((d) => n % d === 0);
  const count = Array.from({ length: 1000 }, (_, n) => n).filter(prime).length;
  assert.equal(parseInt(want("uxn")[0], 16), count);
});

test("source-map: as the VLQ digits say", () => {
  const callbacks = want("source-map").slice(1).map((line) => line.split(" ").slice(1).map(Number));
  const positions = callbacks.map(([line, column, , , , source, originalLine, originalColumn, hasName, name]) =>
    [line, column, source, originalLine, originalColumn, hasName ? name : null]);
  assert.deepEqual(positions, mappings(stored("source-map")[0]));
});

// mappings decodes the field of that name of a source map.
function mappings(text) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const state = [0, 0, 0, 0, 0];
  const out = [];
  text.split(";").forEach((segments, line) => {
    state[0] = 0;
    for (const segment of segments.split(",").filter(Boolean)) {
      let value = 0, shift = 0, field = 0;
      for (const d of segment) {
        value |= (digits.indexOf(d) & 31) << shift;
        shift += 5;
        if (digits.indexOf(d) & 32) continue;
        state[field++] += value & 1 ? -(value >> 1) : value >> 1;
        value = shift = 0;
      }
      out.push([line, state[0], state[1], state[2], state[3], field > 4 ? state[4] : null]);
    }
  });
  return out;
}
