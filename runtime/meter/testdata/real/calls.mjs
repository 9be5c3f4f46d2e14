// Makes the calls of cases.json with the plain WebAssembly API. README.md says
// what the steps mean.
import { readFileSync } from "node:fs";

const directory = new URL(".", import.meta.url);

export const cases = JSON.parse(readFileSync(new URL("cases.json", directory), "utf8"));

// wasmOf returns the bytes of a case's module.
export function wasmOf({ package: name, file, index }) {
  const bytes = readFileSync(new URL(`node_modules/${name}/${file}`, directory));
  if (file.endsWith(".wasm")) return bytes;
  return Buffer.from(bytes.toString("latin1").match(/AGFzbQ[A-Za-z0-9+/]+=*/g)[index ?? 0], "base64");
}

// run makes the calls of a case on a fresh instance, and returns the lines that
// they print.
export function run(test) {
  return new Calls(test).run();
}

class Calls {
  lines = [];
  variables = {};

  constructor(test) {
    this.test = test;
    const module = new WebAssembly.Module(wasmOf(test));
    const imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = kind === "memory" ? this.importedMemory() : this.importedFunction(from, name);
    }
    this.exports = new WebAssembly.Instance(module, imports).exports;
    this.memory ??= Object.values(this.exports).find((e) => e instanceof WebAssembly.Memory);
  }

  importedMemory() {
    const [initial, maximum] = this.test.memory;
    this.memory = new WebAssembly.Memory({ initial, maximum });
    return this.memory;
  }

  importedFunction(from, name) {
    switch (this.test.imports?.[`${from}.${name}`]) {
      case undefined:
        return () => 0;
      case "one":
        return () => 1;
      case "grow":
        return (bytes) => this.grow(bytes >>> 0);
      case "copy":
        return (to, source, length) => this.bytes().copyWithin(to, source, source + length);
      case "numbers":
        return (...numbers) => void this.lines.push([name, ...numbers].join(" "));
      case "text":
        return (...numbers) => {
          const [at, length] = numbers.slice(-2);
          this.lines.push(`${name} ${this.bytes().toString("utf8", at, at + length)}`);
          return 0;
        };
    }
    throw new Error(`${this.test.name}: no stub for ${from}.${name}`);
  }

  grow(bytes) {
    const pages = Math.ceil((bytes - this.memory.buffer.byteLength) / 65536);
    try {
      this.memory.grow(Math.max(pages, 0));
      return 1;
    } catch {
      return 0;
    }
  }

  bytes() {
    return Buffer.from(this.memory.buffer);
  }

  run() {
    this.steps(this.test.steps);
    return this.lines;
  }

  steps(steps) {
    for (const step of steps) {
      const result = this.step(step);
      if (step.as) this.variables[step.as] = result;
    }
  }

  step(step) {
    if ("call" in step) return this.call(step.call, step.arguments ?? []);
    if ("repeat" in step) {
      for (let i = 0; i < step.repeat; i++) this.steps(step.steps);
      return;
    }
    if ("print" in step) return void this.lines.push(String(this.value(step.print)));
    const at = Number(this.value(step.at));
    if ("text" in step) return this.bytes().write(step.text, at, "utf8");
    if ("utf16" in step) return this.bytes().write(step.utf16, at, "utf16le");
    if ("hex" in step) return void this.bytes().write(step.hex, at, "hex");
    if ("words" in step) return void step.words.forEach((w, i) => this.bytes().writeInt32LE(this.value(w), at + 4 * i));
    if ("doubles" in step) return void step.doubles.forEach((d, i) => this.bytes().writeDoubleLE(d, at + 8 * i));
    if (step.load === "word") return this.bytes().readInt32LE(at);
    if (step.load === "double") return this.bytes().readDoubleLE(at);
    if ("read" in step) return void this.lines.push(this.bytes().toString(step.read === "hex" ? "hex" : "utf8", at, at + this.length(step, at)));
    throw new Error(`${this.test.name}: what is ${JSON.stringify(step)}?`);
  }

  call(name, values) {
    const f = this.exports[this.test.exports?.[name] ?? name];
    return f(...values.map((v) => this.value(v)));
  }

  // value returns what a number, a variable, an exported global ("@name") or
  // either with an offset ("name+4") stands for; "5n" is an i64.
  value(v) {
    if (typeof v === "number") return v;
    if (/^-?\d+n$/.test(v)) return BigInt(v.slice(0, -1));
    const [name, offset] = v.split("+");
    const base = name.startsWith("@") ? this.exports[name.slice(1)].value : this.variables[name];
    return offset ? base + Number(offset) : base;
  }

  // length is that of a step that reads, or up to the next zero byte.
  length(step, at) {
    return "length" in step ? this.value(step.length) : this.bytes().indexOf(0, at) - at;
  }
}
