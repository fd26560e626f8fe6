// What the scripts of coding agents share: an empty home and working directory for each run, and the errand.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FOLDER, assert } from "./cases.mjs";

const INSTALLED = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules");
const PATIENCE = 90_000;

/** What every agent is asked to do. The simulator finds the tools for it among those that the agent offers. */
export const ERRAND =
  'Write the text "blue heron" into a file named note.txt, then read the file back and say what it holds.';

let runs = 0;

/** An empty home and working directory. */
export function place() {
  const root = join(FOLDER, `run-${++runs}`);
  const [home, work] = [join(root, "home"), join(root, "work")];
  mkdirSync(home, { recursive: true });
  mkdirSync(work, { recursive: true });
  return { home, work };
}

/** Writes a file below `folder` and gives its path. */
export function write(folder, name, text) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Runs a command of node_modules/.bin to its end, without a terminal. Fails when it does not end in time. */
export function run(command, args, { home, work }, settings = {}) {
  const child = spawn(join(INSTALLED, ".bin", command), args, {
    cwd: work,
    env: { PATH: process.env.PATH, HOME: home, NO_PROXY: "*", DO_NOT_TRACK: "1", TERM: "dumb", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  return new Promise((done, failed) => {
    const texts = { out: "", err: "" };
    child.stdout.on("data", (piece) => (texts.out += piece));
    child.stderr.on("data", (piece) => (texts.err += piece));
    const late = setTimeout(() => {
      process.kill(-child.pid, "SIGKILL");
      failed(new Error(`still running after ${PATIENCE / 1000} s: ${(texts.err + texts.out).slice(-600)}`));
    }, PATIENCE);
    child.on("error", failed);
    child.on("close", (code) => {
      clearTimeout(late);
      done({ code, ...texts });
    });
  });
}

/** Fails unless the file is really there and the agent's last words say what it holds. */
export function errandDone({ work }, said) {
  const path = join(work, "note.txt");
  assert.ok(existsSync(path), `no file was written; the agent said: ${said.slice(-500)}`);
  assert.equal(readFileSync(path, "utf8").trim(), "blue heron");
  assert.match(said, /holds: blue heron/);
}
